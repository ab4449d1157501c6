"""Measure variants of one task in turn, each in a process of its own.

Taking turns means that whatever else the machine does meets all variants alike; processes of their
own mean that peak memory and the allocator's state are each variant's own.
"""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from faststyle.benchmark.work import Work, count_work, synchronize, use_tf32
from faststyle.core.errors import UserError
from faststyle.core.processes import fresh_processes

#: Seconds before each round: threads of some runtimes (ONNX Runtime's) go on waiting for work, and
#: take the time of whoever comes next.
_CALM = 0.3
#: How variants of faststyle in each precision are called.
NAMES = {"32": "faststyle float32", "tf32": "faststyle tf32", "bf16": "faststyle bf16"}
#: The stages of one round, run in this order.
Stages = Sequence[tuple[str, Callable[[], Any]]]


@dataclass(frozen=True)
class Variant:
    """One way to do a task: ``prepare``, called in its own process, gives the stages to time.

    ``prepare`` must be picklable: a function of a module, or a ``functools.partial`` of one.
    """

    name: str
    prepare: Callable[[], Stages]
    precision: str = "32"

    @property
    def module(self) -> str:
        """The one that ``prepare`` is of."""
        return str(getattr(self.prepare, "func", self.prepare).__module__)


def after_reference(
    ours: list[Variant], prepare: Callable[[], Stages], wanted: bool
) -> list[Variant]:
    """``ours`` behind the reference that ``prepare`` makes ready, if it is wanted."""
    return [Variant("reference", prepare), *ours] if wanted else ours


@dataclass
class Measurement:
    """What one variant did: seconds of every round by stage, its work, and its memory.

    ``memory``: bytes at the highest, above what the process held when it had loaded its libraries.
    ``result``: what the last stage returned.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    work: dict[str, Work] = field(default_factory=dict)
    memory: int = 0
    result: Any = None

    @property
    def totals(self) -> list[float]:
        """Seconds of every round, all stages together."""
        return [sum(stages) for stages in zip(*self.seconds.values(), strict=True)]


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


def ratios(slow: Measurement, fast: Measurement) -> Spread:
    """How many times faster ``fast`` was, round by round."""
    return Spread.of([a / b for a, b in zip(slow.totals, fast.totals, strict=True)])


def compare(
    variants: Sequence[Variant], rounds: int, warmup: int = 2, device: str = "cpu"
) -> Mapping[str, Measurement]:
    """Run ``rounds`` of every variant in turn, after ``warmup`` rounds that do not count.

    Raises ``UserError`` if a variant cannot be prepared or fails.
    """
    # Counting work imports the first.
    context = fresh_processes("torch._dynamo", *{variant.module for variant in variants})
    workers = []
    for variant in variants:
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there, variant, device), daemon=True)
        process.start()
        there.close()
        workers.append((variant.name, here, process))
    results = {name: Measurement() for name, _, _ in workers}
    for number in range(warmup + rounds):
        for name, connection, _ in workers:
            time.sleep(_CALM)
            _send(connection, "run")
            seconds = _answer(connection, name)
            if number >= warmup:
                for stage, value in seconds.items():
                    results[name].seconds.setdefault(stage, []).append(value)
    for name, connection, process in workers:
        _send(connection, "stop")
        result = results[name]
        result.memory, result.result, result.work = _answer(connection, name)
        process.join()
    return results


def _send(connection: Connection, order: str) -> None:
    try:
        connection.send(order)
    except BrokenPipeError:
        return  # the answer, or its absence, says why


def _answer(connection: Connection, name: str) -> Any:
    try:
        answer = connection.recv()
    except EOFError:
        raise UserError(f"the benchmark of {name} died; was there enough memory?") from None
    if isinstance(answer, UserError):
        raise answer
    return answer


def _serve(connection: Connection, variant: Variant, device: str) -> None:
    try:
        use_tf32(variant.precision)
        before = _memory(device)
        stages = variant.prepare()
        result = None
        while connection.recv() != "stop":
            seconds = {}
            for name, run in stages:
                start = time.perf_counter()
                result = run()
                synchronize(device)
                seconds[name] = time.perf_counter() - start
            connection.send(seconds)
        memory = _memory(device) - before
        connection.send((memory, result, _count(stages)))  # counting takes memory of its own
    except UserError as error:
        connection.send(error)


def _count(stages: Stages) -> dict[str, Work]:
    counts = {}
    for name, run in stages:
        with count_work() as counts[name]:
            run()
    return counts


def _memory(device: str) -> int:
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.exists():  # Linux: ru_maxrss would start at what the parent process held
        highest = next(line for line in status.read_text().splitlines() if "VmHWM" in line)
        return int(highest.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
