"""The work itself, the same in every engine: a shard's pictures, from storage to storage."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from faststyle.bulk.manifest import Manifest, ShardResult
from faststyle.bulk.plan import ImageTask, Shard
from faststyle.core.devices import reuse_freed_memory
from faststyle.core.errors import problem
from faststyle.core.storage import Folder, StorageError, fetch_once, is_address, is_of_a_disk
from faststyle.files.animations import is_animated, stylize_animation
from faststyle.files.batch import load_job, notes_on, save_result
from faststyle.files.jobs import Job
from faststyle.images.probe import probe
from faststyle.networks.conv3x3 import choose_kernel
from faststyle.stylize.options import StylizeOptions
from faststyle.stylize.stylizer import Stylizer

#: Pictures that are on their way to or from storage at a time.
_CONNECTIONS = 8
#: Seconds after which a shard is begun again that could not be read or stored.
PAUSES = (2.0, 10.0)


@dataclass(frozen=True)
class WorkerConfig:
    """What a process has to know before its first shard; all else is in the job's notes.

    Args:
        output: address of the folder of results.
        device: as of :class:`Stylizer`.
        actors: how many processes share this machine's cores.
    """

    output: str
    device: str = "auto"
    actors: int = 1


class Worker:
    """A process's own: the job's style, ready, and what it takes to do shard after shard.

    Raises ``UserError`` if the job or the device is not there, or ``StorageError``.
    """

    def __init__(self, order: WorkerConfig) -> None:
        if order.actors > 1:
            torch.set_num_threads(max(1, torch.get_num_threads() // order.actors))
        reuse_freed_memory()
        self.output = Folder(order.output)
        self.manifest = Manifest(self.output)
        settings = self.manifest.settings()
        choose_kernel(settings["kernel"])
        self.options = StylizeOptions(**settings["options"])
        self.stylizer = Stylizer.load(
            self.manifest.style(),
            mix=settings["mix"],
            device=order.device,
            precision=settings["precision"],
            stroke=settings["stroke"],
        )

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
        record, clock = ShardResult(), Clock()
        with (
            tempfile.TemporaryDirectory(prefix="faststyle_") as scratch,
            ThreadPoolExecutor(_CONNECTIONS) as threads,
        ):
            try:
                work = _ShardWork(self, Path(scratch), threads, clock, record)
                work.run(shard.items, should_stop)
            finally:
                threads.shutdown(wait=False, cancel_futures=True)
        record.seconds = clock.seconds
        record.memory = psutil.Process().memory_info().rss
        record.at = time.time()
        self.manifest.note(shard.name, record)
        return record


class Clock:
    """How long each part of the work took, in seconds."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(("fetch", "decode", "network", "encode", "store"), 0.0)

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Count the block's time as that of a part."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] += time.perf_counter() - start


class _ShardWork:
    """One shard on its way. Pictures from elsewhere, and results for there, pass ``scratch``."""

    def __init__(
        self,
        worker: Worker,
        scratch: Path,
        threads: ThreadPoolExecutor,
        clock: Clock,
        record: ShardResult,
    ) -> None:
        self.worker, self.scratch, self.threads = worker, scratch, threads
        self.clock, self.record = clock, record
        self.stored: list[tuple[ImageTask, Future[None]]] = []

    def run(self, items: Sequence[ImageTask], should_stop: Callable[[], bool]) -> None:
        """Stylize them, by shape and then those again that failed; wait until all are stored."""
        again: list[ImageTask] = []
        for batch in self._batches(items, again):
            if should_stop():
                break
            again += self._stylize(batch)
        for item in again:
            if should_stop():
                break
            try:
                self._stylize_together([(item, self._job(item, self._fetch(item)))])
            except StorageError:
                raise
            except Exception as error:  # whatever one picture brings about
                self.record.fail(item, self._said_of(item, problem(error)))
        with self.clock("store"):
            for item, stored in self.stored:
                stored.result()
                self.record.done.append((item.target, item.version))

    def _batches(
        self, items: Sequence[ImageTask], failed: list[ImageTask]
    ) -> Iterator[list[tuple[ImageTask, Job]]]:
        """Pictures of one shape together, in the order in which batches are full.

        Those that cannot be fetched are added to ``failed``.
        """
        waiting: dict[object, list[tuple[ImageTask, Job]]] = {}
        fetched = [self.threads.submit(self._fetch, item) for item in items]
        for item, future in zip(items, fetched, strict=True):
            try:
                with self.clock("fetch"):
                    job = self._job(item, future.result())
            except StorageError:
                raise
            except Exception:
                failed.append(item)
                continue
            shape = _kind(job) if self.worker.options.batch_size > 1 else None
            batch = waiting.setdefault(shape, [])
            batch.append((item, job))
            if len(batch) == self.worker.options.batch_size:
                yield waiting.pop(shape)
        yield from waiting.values()

    def _stylize(self, batch: Sequence[tuple[ImageTask, Job]]) -> list[ImageTask]:
        """Returns those that are to be tried again."""
        try:
            self._stylize_together(batch)
        except StorageError:
            raise
        except Exception:
            return [item for item, _ in batch]
        return []

    def _stylize_together(self, batch: Sequence[tuple[ImageTask, Job]]) -> None:
        options, stylizer = self.worker.options, self.worker.stylizer
        with self.clock("decode"), _disk_errors():
            pictures = [load_job(job, options, stylizer.factor) for _, job in batch]
            is_animation = len(batch) == 1 and is_animated(batch[0][1])
            notes = [
                self._said_of(item, note)
                for (item, job), picture in zip(batch, pictures, strict=True)
                for note in notes_on(job, picture, options, is_animation)
            ]
        if is_animation:
            with self.clock("network"), _disk_errors():
                stylize_animation(stylizer, batch[0][1], pictures[0], options)
        else:
            with self.clock("network"):
                results = stylizer.stylize(pictures, options)
            with self.clock("encode"), _disk_errors():
                for (_, job), result in zip(batch, results, strict=True):
                    save_result(result, job, options)
        self.record.notes += notes
        self.stored += [(item, self.threads.submit(self._store, item, job)) for item, job in batch]

    def _fetch(self, item: ImageTask) -> Path:
        """Where a picture is on this machine."""
        if not is_address(item.source):
            return Path(item.source)
        path = self._copy_of(item)
        fetch_once(item.source, path)
        return path

    def _copy_of(self, item: ImageTask) -> Path:
        return (self.scratch / "in" / item.target).with_name(item.source.rpartition("/")[2])

    def _said_of(self, item: ImageTask, text: str) -> str:
        """A sentence on a copy of a picture, or of its result, as one on the picture itself."""
        text = text.replace(str(self._copy_of(item)), item.source)
        return text.replace(str(self.scratch / "out" / item.target), item.target)

    def _job(self, item: ImageTask, source: Path) -> Job:
        folder = self.worker.output.path or self.scratch / "out"
        return Job(source, folder / item.target)

    def _store(self, item: ImageTask, job: Job) -> None:
        """Take a result to where it belongs; what passed the scratch folder goes from it."""
        if self.worker.output.path is None:
            self.worker.output.put(job.target, item.target)
            job.target.unlink()
        if is_address(item.source):
            job.source.unlink()


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Say of a full disk that it is no fault of the picture's."""
    try:
        yield
    except OSError as error:
        if is_of_a_disk(error):
            raise StorageError(problem(error)) from None
        raise


def _kind(job: Job) -> object:
    """Height and width of a picture as it is seen, by its header.

    What has none is by itself, and so is an animation.
    """
    try:
        if is_animated(job):
            return job.source
        info = probe(job.source)
        return info.width, info.height
    except Exception:  # said when it is decoded
        return job.source
