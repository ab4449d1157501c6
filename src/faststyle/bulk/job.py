"""A job from its first picture to its last: planned, handed out, noted, and summed up."""

import importlib
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from faststyle.bulk.manifest import Manifest, ShardResult
from faststyle.bulk.plan import ImageTask, cut, find_tasks
from faststyle.bulk.shard import WorkerConfig
from faststyle.core.errors import UserError, nearest, needs_extra
from faststyle.core.interrupts import catch_interrupts
from faststyle.core.limits import merged
from faststyle.core.storage import Folder, absolute
from faststyle.files.jobs import Job, check_formats
from faststyle.files.options import ReadOptions, WriteOptions
from faststyle.images.formats import can_write
from faststyle.styles import find_style
from faststyle.styles.catalog import list_styles
from faststyle.styles.loading import read_any_style
from faststyle.styles.mixture import check_has_style
from faststyle.stylize.options import DEFAULT_PRECISION, DEFAULT_RENDER, RenderOptions
from faststyle.stylize.stylizer import Stylizer
from faststyle.video.options import ClipOptions

#: What hands shards out. Each is a module of this package, and the extra that it needs.
ENGINES = {"local": "", "ray": "ray", "slurm": "slurm"}
#: Of failures and notes, so many are shown as they come; all of them are in files.
_SHOWN = 10


@dataclass(frozen=True)
class BulkJob:
    """Pictures to be stylized, by what style, and where.

    Inputs are pictures, folders and patterns, and the output is a folder: paths, or addresses.
    ``precision``, ``stroke`` and ``device`` are those of :class:`Stylizer`; a job that goes on may
    be given another device. ``engine`` is one of :data:`ENGINES`, whose ``actors`` are processes.
    Raises ``UserError`` for an unknown engine, no actors, or an output that is called like a
    picture.
    """

    inputs: Sequence[str]
    output: str
    ckpt: str
    render: RenderOptions = DEFAULT_RENDER
    read: ReadOptions = field(default_factory=ReadOptions)
    write: WriteOptions = field(default_factory=WriteOptions)
    precision: str = DEFAULT_PRECISION
    stroke: float = 1.0
    kernel: str = "auto"
    device: str = "auto"
    engine: str = "local"
    actors: int = 1

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise UserError(f'engine is "{self.engine}": {nearest(self.engine, ENGINES)}')
        if self.actors < 1:
            raise UserError(f"actors is {self.actors}; it must be at least 1")
        if can_write(Path(self.output)) and not Path(self.output).is_dir():
            raise UserError(f"--output {self.output} is called like a picture: name a folder")


@dataclass
class Summary:
    """What became of a job's pictures: ``skipped`` are those that an earlier start has done.

    ``failed`` is as in ``failed.jsonl``, and ``parts`` are the seconds that processes spent in each
    part of the work.
    """

    skipped: int = 0
    done: int = 0
    failed: list[dict[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    parts: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        said = f"{self.done:,} done, {self.skipped:,} skipped, {len(self.failed):,} failed"
        whole = self.parts.total()
        if self.done and whole:
            shares = (f"{name} {100 * part / whole:.0f} %" for name, part in self.parts.items())
            said += f"; {self.done / self.seconds:.1f} pictures a second ({', '.join(shares)})"
        return said


def stylize_in_bulk(job: BulkJob) -> Summary:
    """Do a job, or what is left of it, with a progress bar.

    Pictures whose results are there and noted are skipped, unless they have changed; those that
    failed are tried again.

    Raises:
        UserError: there is no such style or picture; the output is that of a job of other
            settings; processes die before they begin.
        StorageError: something cannot be read or stored; what is done by then is noted.
        KeyboardInterrupt: when interrupted; the pictures in hand are done, and noted.
    """
    with needs_extra(ENGINES[job.engine]):
        work = importlib.import_module(f"faststyle.bulk.{job.engine}").work
    output = Folder(job.output)
    manifest = Manifest(output)
    tasks = _begin(job, output, manifest)
    rest = _rest(tasks, output, manifest)
    config = WorkerConfig(absolute(job.output), job.device, job.actors)
    summary = Summary(skipped=len(tasks) - len(rest))
    start = time.perf_counter()
    bar: tqdm[NoReturn]
    with (
        catch_interrupts("picture") as interrupts,
        tqdm(total=len(tasks), initial=summary.skipped, unit="picture", smoothing=0) as bar,
    ):
        try:
            shards = cut(rest, job.actors)
            for result in work(shards, config, lambda: interrupts.received is not None):
                _add(result, summary, bar)
        finally:
            summary.seconds = time.perf_counter() - start
            bar.write(str(summary), file=sys.stderr)
            failures = manifest.write_failed(summary.failed)
    if interrupts.received:
        print("the same command does the rest", file=sys.stderr)  # noqa: T201
        raise KeyboardInterrupt
    if summary.failed:
        count = f"{len(summary.failed)} of {len(tasks)}"
        raise UserError(f"{count} pictures could not be stylized: {failures} says why")
    return summary


def _begin(job: BulkJob, output: Folder, manifest: Manifest) -> list[ImageTask]:
    """All of the job's pictures, once it is sure that it can be done, and goes on if it began."""
    style = find_style(job.ckpt)
    # Read for what is wrong with it: better one line here than as many as there are processes.
    trained = read_any_style(style.path)
    check_has_style(trained.metadata)
    stylizer = Stylizer(trained, "cpu", mix=style.mix, stroke=job.stroke)
    names = cache(lambda: {stylizer.name, *(each.name for each in list_styles())})
    tasks = find_tasks(job.inputs, output, names)
    by_ending = {Path(task.target).suffix: task for task in tasks}
    jobs = [Job(Path(task.source), Path(task.target)) for task in by_ending.values()]
    check_formats(jobs, job.read, job.write)
    settings = {
        "inputs": [absolute(text) for text in job.inputs],
        # Jobs of earlier versions have those of clips among their options.
        "options": merged(job.render, job.read, job.write, ClipOptions()),
        "mix": dict(style.mix),
        **{name: getattr(job, name) for name in ("precision", "stroke", "kernel")},
    }
    manifest.begin(settings, style.path)
    return tasks


def _rest(tasks: Sequence[ImageTask], output: Folder, manifest: Manifest) -> list[ImageTask]:
    """Those that have no result yet, or have changed since."""
    noted = {target: version for result in manifest.results() for target, version in result.done}
    if not noted:
        return list(tasks)
    there = output.find()
    return [i for i in tasks if noted.get(i.target) != i.version or i.target not in there]


def _add(result: ShardResult, summary: Summary, bar: "tqdm[NoReturn]") -> None:
    room = max(0, _SHOWN - len(summary.failed))
    said = []
    for each in result.failed[:room]:
        source = "" if each["source"] in each["reason"] else f"{each['source']}: "
        said.append(f"error: {source}{each['reason']}")
    for line in (*said, *result.notes[:_SHOWN]):
        bar.write(" ".join(line.split()), file=sys.stderr)
    summary.done += len(result.done)
    summary.failed += result.failed
    summary.parts.update(result.seconds)
    bar.update(len(result))
