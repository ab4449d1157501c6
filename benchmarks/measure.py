"""Measure variants of one task in turn, each in a process of its own.

Taking turns means that whatever else the machine does meets all variants alike; processes of their
own mean that peak memory and the allocator's state are each variant's own.
"""

import resource
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from faststyle.core.errors import UserError
from faststyle.core.processes import fresh_processes

#: Rounds that do not count.
WARMUP = 2
#: Seconds before each round: threads of some runtimes (ONNX Runtime's) go on waiting for work, and
#: take the time of whoever comes next.
_CALM = 0.3
#: One round of a task: yields the name of each stage when it ends, and returns the result.
Round = Callable[[], Generator[str, None, Any]]


class Variant(NamedTuple):
    """One way to do a task: ``prepare``, called in its own process, gives the round to time.

    ``prepare`` must be picklable: a function of a module, or a ``functools.partial`` of one.
    """

    name: str
    prepare: Callable[[], Round]
    precision: str = "32"


class Job(NamedTuple):
    """Variants to compare, in rounds of so many ``pictures``; ``extra`` goes into the report."""

    title: str
    variants: list[Variant]
    extra: dict[str, Any]
    pictures: int = 1


def by_precision(prepare: Callable[[str], Round], precisions: Sequence[str]) -> list[Variant]:
    """Faststyle in each of ``32``, ``tf32`` and ``bf16``."""
    names = {"32": "float32"}
    return [Variant(f"faststyle {names.get(p, p)}", partial(prepare, p), p) for p in precisions]


def single_stage(name: str, work: Callable[[], Any]) -> Round:
    """A round of one stage, whose result is that of ``work``."""

    def stages() -> Generator[str, None, Any]:
        result = work()
        yield name
        return result

    return stages


class Spread(NamedTuple):
    """Median, and lower and upper quartile."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one value."""
        return cls(*np.quantile(values, (0.5, 0.25, 0.75)).tolist())


@dataclass
class Work:
    """What a ``with`` block did, as far as it was measured.

    ``macs``: multiply-adds of convolutions and matrix products. ``bytes``: what all operations read
    and write, as if no cache kept anything from one to the next.
    """

    seconds: float = 0.0
    macs: int = 0
    bytes: int = 0


@contextmanager
def stopwatch(device: str) -> Iterator[Work]:
    """Time the ``with`` block, until the device has done what it was asked to."""
    work, start = Work(), time.perf_counter()
    yield work
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    work.seconds = time.perf_counter() - start


@contextmanager
def count_work() -> Iterator[Work]:
    """Count what is computed inside the ``with`` block, backward passes too."""
    work = Work()
    with FlopCounterMode(display=False) as flops, _ByteCounter() as traffic:  # type: ignore[no-untyped-call]
        yield work
    work.macs, work.bytes = flops.get_total_flops() // 2, traffic.total


class _ByteCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            tensors = [x for x in tree_leaves((args, kwargs, result)) if isinstance(x, Tensor)]
            self.total += sum(x.nbytes for x in tensors)
        return result


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
    workers = {variant.name: ProcessPoolExecutor(1, context) for variant in variants}
    results = {variant.name: Measurement() for variant in variants}
    try:
        for variant in variants:
            _ask(workers, variant.name, _prepare, variant, device)
        for number in range(-WARMUP, rounds):
            for name, result in results.items():
                time.sleep(_CALM)
                for stage, seconds in _ask(workers, name, _time_round, device).items():
                    if number >= 0:
                        result.seconds.setdefault(stage, []).append(seconds)
        for name, result in results.items():
            result.memory, result.result, result.work = _ask(workers, name, _finish, device)
    finally:
        for worker in workers.values():
            worker.shutdown()
    return results


def _ask(workers: Mapping[str, ProcessPoolExecutor], name: str, *what: Any) -> Any:
    try:
        return workers[name].submit(*what).result()
    except BrokenProcessPool:
        raise UserError(f"the benchmark of {name} died; was there enough memory?") from None


#: Of a variant's process: what it does in a round, what that came to, and its memory at first.
_state: dict[str, Any] = {}


def _prepare(variant: Variant, device: str) -> None:
    use_tf32(variant.precision)
    _state["before"] = _memory(device)
    _state["round"] = variant.prepare()


def _time_round(device: str) -> dict[str, float]:
    laps, _state["result"] = run_round(_state["round"], lambda: stopwatch(device))
    return {stage: lap.seconds for stage, lap in laps.items()}


def _finish(device: str) -> tuple[int, Any, dict[str, Work]]:
    memory = _memory(device) - _state["before"]  # counting takes memory of its own
    return memory, _state["result"], run_round(_state["round"], count_work)[0]


def run_round(
    stages: Round, meter: Callable[[], AbstractContextManager[Any]]
) -> tuple[dict[str, Any], Any]:
    """What ``meter`` says of each stage, and the result."""
    running, measured = stages(), dict[str, Any]()
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
        return 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0])
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def use_tf32(precision: str) -> None:
    """Let a GPU round float32 factors to TF32 if, and only if, ``precision`` is ``tf32``."""
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
