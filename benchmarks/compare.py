"""Measure variants of one task in turn, each in a process of its own.

Taking turns means that whatever else the machine does meets all variants alike; processes of their
own mean that peak memory and the allocator's state are each variant's own.
"""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import torch

from benchmarks.work import Work, count_work, stopwatch, use_tf32
from faststyle.core.errors import UserError
from faststyle.core.processes import fresh_processes

#: Rounds that do not count.
WARMUP = 2
#: Seconds before each round: threads of some runtimes (ONNX Runtime's) go on waiting for work, and
#: take the time of whoever comes next.
_CALM = 0.3
#: One round of a task: yields the name of each stage when it ends, and returns the result.
Round = Callable[[], Generator[str, None, Any]]
T = TypeVar("T")


@dataclass(frozen=True)
class Variant:
    """One way to do a task: ``prepare``, called in its own process, gives the round to time.

    ``prepare`` must be picklable: a function of a module, or a ``functools.partial`` of one.
    """

    name: str
    prepare: Callable[[], Round]
    precision: str = "32"


def by_precision(prepare: Callable[[str], Round], precisions: Sequence[str]) -> list[Variant]:
    """Faststyle in each of ``32``, ``tf32`` and ``bf16``."""
    names = {"32": "float32"}
    return [Variant(f"faststyle {names.get(p, p)}", partial(prepare, p), p) for p in precisions]


@dataclass(frozen=True)
class Spread:
    """Median, and lower and upper quartile."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one value."""
        if len(values) < 2:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


@dataclass
class Measurement:
    """What one variant did: seconds of every round by stage, its work, and its memory.

    ``memory``: bytes at the highest, above what the process held when it had loaded its libraries.
    ``result``: what the last round returned.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    work: dict[str, Work] = field(default_factory=dict)
    memory: int = 0
    result: Any = None

    @property
    def totals(self) -> list[float]:
        """Seconds of every round, all stages together."""
        return [sum(stages) for stages in zip(*self.seconds.values(), strict=True)]

    def times_as_fast(self, slow: "Measurement") -> Spread:
        """How many times faster than ``slow`` this was, round by round."""
        return Spread.of([a / b for a, b in zip(slow.totals, self.totals, strict=True)])


def compare(
    variants: Sequence[Variant], rounds: int, device: str = "cpu"
) -> Mapping[str, Measurement]:
    """Run ``rounds`` of every variant in turn, after :data:`WARMUP` rounds that do not count.

    Raises ``UserError`` if a variant cannot be prepared or fails.
    """
    libraries = [name for name in sys.modules if name.startswith("faststyle.")]
    context = fresh_processes("torch._dynamo", *libraries)  # counting work imports the first
    results = {variant.name: Measurement() for variant in variants}
    workers = {}
    for variant in variants:
        workers[variant.name], there = context.Pipe()
        context.Process(target=_serve, args=(there, variant, device), daemon=True).start()
        there.close()
    for number in range(WARMUP + rounds):
        for name, connection in workers.items():
            time.sleep(_CALM)
            for stage, seconds in _ask(connection, "run", name).items():
                if number >= WARMUP:
                    results[name].seconds.setdefault(stage, []).append(seconds)
    for name, connection in workers.items():
        result = results[name]
        result.memory, result.result, result.work = _ask(connection, "stop", name)
    return results


def _ask(connection: Connection, order: str, name: str) -> Any:
    try:
        with suppress(BrokenPipeError):  # a worker that has ended may have said why
            connection.send(order)
        answer = connection.recv()
    except (EOFError, ConnectionResetError):
        raise UserError(f"the benchmark of {name} died; was there enough memory?") from None
    if isinstance(answer, UserError):
        raise answer
    return answer


def _serve(connection: Connection, variant: Variant, device: str) -> None:
    try:
        use_tf32(variant.precision)
        before = _memory(device)
        stages, result = variant.prepare(), None
        while connection.recv() != "stop":
            laps, result = run_round(stages, lambda: stopwatch(device))
            connection.send({name: lap.seconds for name, lap in laps.items()})
        memory = _memory(device) - before
        # Counting takes memory of its own.
        connection.send((memory, result, run_round(stages, count_work)[0]))
    except UserError as error:
        connection.send(error)


def run_round(
    stages: Round, meter: Callable[[], AbstractContextManager[T]]
) -> tuple[dict[str, T], Any]:
    """What ``meter`` says of each stage, and the result."""
    running = stages()
    measured: dict[str, T] = {}
    while True:
        with meter() as value:
            try:
                stage = next(running)
            except StopIteration as end:
                return measured, end.value
        measured[stage] = value


def _memory(device: str) -> int:
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.exists():  # Linux: ru_maxrss would start at what the parent process held
        highest = next(line for line in status.read_text().splitlines() if "VmHWM" in line)
        return int(highest.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
