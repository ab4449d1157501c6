"""The work itself, the same in every engine: a shard's pictures, from storage to storage."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import torch

from faststyle.bulk.manifest import Manifest, ShardResult
from faststyle.bulk.plan import ImageTask, Shard
from faststyle.core.devices import reuse_freed_memory
from faststyle.core.errors import problem
from faststyle.core.limits import split
from faststyle.core.storage import Folder, StorageError, fetch_once, is_address, is_of_a_disk
from faststyle.files.batch import FilePipeline
from faststyle.files.jobs import Job
from faststyle.files.options import ReadOptions, WriteOptions
from faststyle.images.probe import open_image
from faststyle.networks.kernels import choose_kernel
from faststyle.stylize.options import RenderOptions
from faststyle.stylize.stylizer import Stylizer

#: Pictures that are on their way to or from storage at a time.
_CONNECTIONS = 8
#: Seconds after which a shard is begun again that could not be read or stored.
PAUSES = (2.0, 10.0)
#: Of the work, whose time is taken.
PARTS = ("fetch", "decode", "network", "encode", "store")


@dataclass(frozen=True)
class WorkerConfig:
    """What a process has to know before its first shard; all else is in the job's notes.

    ``output`` is the address of the folder of results, and ``workers`` how many processes share
    this machine's cores.
    """

    output: str
    device: str = "auto"
    workers: int = 1


class Worker:
    """A process's own: the job's style, ready, and what it takes to do shard after shard.

    Raises ``UserError`` if the job or the device is not there, or ``StorageError``.
    """

    def __init__(self, config: WorkerConfig) -> None:
        if config.workers > 1:
            torch.set_num_threads(max(1, torch.get_num_threads() // config.workers))
        reuse_freed_memory()
        self.output = Folder(config.output)
        self.manifest = Manifest(self.output)
        settings = self.manifest.settings()
        choose_kernel(settings["kernel"])
        chosen = {name: settings[name] for name in ("mix", "precision", "stroke")}
        stylizer = Stylizer.load(self.manifest.style(), device=config.device, **chosen)
        options = settings["options"]
        render, read = split(RenderOptions, options), split(ReadOptions, options)
        self.pipeline = FilePipeline(stylizer, render, read, split(WriteOptions, options))

    def do(self, shard: Shard, should_stop: Callable[[], bool] = lambda: False) -> ShardResult:
        """Stylize a shard's pictures, and note what became of them.

        A picture that cannot be stylized is tried once more, by itself. Asked to stop, the process
        finishes the picture in hand, and notes what it has done so far. Storage that fails has
        some time to come back.

        Raises ``StorageError``, and then nothing is noted.
        """
        for pause in PAUSES:
            try:
                return self._do(shard, should_stop)
            except StorageError:
                if should_stop():
                    raise
                time.sleep(pause)
        return self._do(shard, should_stop)

    def _do(self, shard: Shard, should_stop: Callable[[], bool]) -> ShardResult:
        result = ShardResult(seconds=dict.fromkeys(PARTS, 0.0))
        with (
            tempfile.TemporaryDirectory(prefix="faststyle_") as scratch,
            ThreadPoolExecutor(_CONNECTIONS) as threads,
        ):
            try:
                _ShardWork(self, Path(scratch), threads, result).run(shard.tasks, should_stop)
            finally:
                threads.shutdown(wait=False, cancel_futures=True)
        result.memory = psutil.Process().memory_info().rss
        result.at = time.time()
        self.manifest.note(shard.name, result)
        return result


class _ShardWork:
    """One shard on its way. Pictures from elsewhere, and results for there, pass ``scratch``."""

    def __init__(
        self, worker: Worker, scratch: Path, threads: ThreadPoolExecutor, result: ShardResult
    ) -> None:
        self.worker, self.scratch, self.threads, self.result = worker, scratch, threads, result
        self.stored: list[tuple[ImageTask, Future[None]]] = []

    @contextmanager
    def clock(self, part: str) -> Iterator[None]:
        """Count the block's time as that of one of :data:`PARTS`; a full disk is no picture's."""
        start = time.perf_counter()
        try:
            yield
        except OSError as error:
            if not is_of_a_disk(error):
                raise
            raise StorageError(problem(error)) from None
        finally:
            self.result.seconds[part] += time.perf_counter() - start

    def run(self, tasks: Sequence[ImageTask], should_stop: Callable[[], bool]) -> None:
        """Stylize them, by shape and then those again that failed; wait until all are stored."""
        again: list[ImageTask] = []
        for batch in self._batches(tasks, again):
            if should_stop():
                break
            try:
                self._stylize(batch)
            except StorageError:
                raise
            except Exception:
                again += [task for task, _ in batch]
        for task in again:
            if should_stop():
                break
            try:
                self._stylize([(task, self._fetch(task))])
            except StorageError:
                raise
            except Exception as error:  # whatever one picture brings about
                self.result.fail(task, self._said_of(task, problem(error)))
        with self.clock("store"):
            for task, stored in self.stored:
                stored.result()
                self.result.done.append((task.target, task.version))

    def _batches(
        self, tasks: Sequence[ImageTask], failed: list[ImageTask]
    ) -> Iterator[list[tuple[ImageTask, Job]]]:
        """Pictures of one shape together, in the order in which batches are full.

        Those that cannot be fetched are added to ``failed``.
        """
        waiting: dict[object, list[tuple[ImageTask, Job]]] = {}
        batch_size = self.worker.pipeline.read.batch_size
        fetched = [self.threads.submit(self._fetch, task) for task in tasks]
        for task, future in zip(tasks, fetched, strict=True):
            try:
                with self.clock("fetch"):
                    job = future.result()
            except StorageError:
                raise
            except Exception:
                failed.append(task)
                continue
            job, kind = _look_into(job)
            batch = waiting.setdefault(kind, [])
            batch.append((task, job))
            if len(batch) == batch_size:
                yield waiting.pop(kind)
        yield from waiting.values()

    def _stylize(self, batch: Sequence[tuple[ImageTask, Job]]) -> None:
        pipeline, notes = self.worker.pipeline, []
        with self.clock("decode"):
            loaded = [pipeline.load(job) for _, job in batch]
            for (task, _), each in zip(batch, loaded, strict=True):
                notes += [self._said_of(task, note) for note in pipeline.notes(each)]
        if len(loaded) == 1 and loaded[0].is_animated:
            with self.clock("network"):
                pipeline.process_animation(loaded[0])
        else:
            with self.clock("network"):
                results = pipeline.process(loaded)
            with self.clock("encode"):
                for (_, job), result in zip(batch, results, strict=True):
                    pipeline.save(result, job)
        self.result.notes += notes
        self.stored += [(task, self.threads.submit(self._store, task, job)) for task, job in batch]

    def _fetch(self, task: ImageTask) -> Job:
        """Where a picture is on this machine, and where its result goes first."""
        source, folder = Path(task.source), self.worker.output.path or self.scratch / "out"
        if is_address(task.source):
            source = self._copy_of(task)
            fetch_once(task.source, source)
        return Job(source, folder / task.target)

    def _copy_of(self, task: ImageTask) -> Path:
        return (self.scratch / "in" / task.target).with_name(task.source.rpartition("/")[2])

    def _said_of(self, task: ImageTask, text: str) -> str:
        """A sentence on a copy of a picture, or of its result, as one on the picture itself."""
        text = text.replace(str(self._copy_of(task)), task.source)
        return text.replace(str(self.scratch / "out" / task.target), task.target)

    def _store(self, task: ImageTask, job: Job) -> None:
        """Take a result to where it belongs; what passed the scratch folder goes from it."""
        if self.worker.output.path is None:
            self.worker.output.put(job.target, task.target)
            job.target.unlink()
        if is_address(task.source):
            job.source.unlink()


def _look_into(job: Job) -> tuple[Job, object]:
    """The job with its picture open, and what is equal for pictures that go together.

    That is height and width of a picture as it is seen. An animation is by itself, and so is what
    cannot be read, which is said when it is decoded.
    """
    try:
        opened = open_image(job.source, sys.maxsize)
    except Exception:
        return job, job.source
    size = opened.info.height, opened.info.width
    return replace(job, opened=opened), job.source if job.is_animated(opened.info) else size
