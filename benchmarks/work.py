"""How long work takes, how much of it there is, and how much a machine could do at most."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from faststyle.core.devices import cpu_has_bf16


@dataclass
class Lap:
    """Seconds that a ``with`` block took."""

    seconds: float = 0.0


@contextmanager
def stopwatch(device: str) -> Iterator[Lap]:
    """Time the ``with`` block, until the device has done what it was asked to."""
    lap, start = Lap(), time.perf_counter()
    yield lap
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    lap.seconds = time.perf_counter() - start


@dataclass
class Work:
    """Multiply-adds of convolutions and matrix products; bytes that all operations read and write.

    Bytes are counted tensor by tensor, as if no cache kept anything from one operation to the next.
    """

    macs: int = 0
    bytes: int = 0


@contextmanager
def count_work() -> Iterator[Work]:
    """Count what is computed inside the ``with`` block, backward passes too."""
    work = Work()
    with FlopCounterMode(display=False) as flops, _ByteCounter() as traffic:  # type: ignore[no-untyped-call]
        yield work
    work.macs = flops.get_total_flops() // 2
    work.bytes = traffic.total


class _ByteCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            tensors = [x for x in tree_leaves((args, kwargs, result)) if isinstance(x, Tensor)]
            self.total += sum(x.numel() * x.element_size() for x in tensors)
        return result


@dataclass(frozen=True)
class Peak:
    """What this machine reached: multiply-adds a second by precision, bytes a second in a copy."""

    macs: Mapping[str, float]
    copy: float


@torch.no_grad()
def measure_peak(device: str = "cpu") -> Peak:
    """The best of several large matrix products, convolutions and copies.

    Convolutions are measured too, since some libraries do them faster than matrix products.
    """
    gpu = device.startswith("cuda")
    source = torch.ones((1 << 28) if gpu else (1 << 26), device=device)
    target = torch.empty_like(source)
    copy = 2 * source.nbytes / _best(lambda: target.copy_(source), device)
    precisions = ("32", "tf32", "bf16") if gpu else ("32", "bf16")
    return Peak({name: _multiply_adds_a_second(name, device) for name in precisions}, copy)


def _multiply_adds_a_second(precision: str, device: str) -> float:
    gpu = device.startswith("cuda")
    emulated = precision == "bf16" and not gpu and not cpu_has_bf16()
    large = 8192 if gpu else 256 if emulated else 2048  # emulation takes 500 times as long
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    use_tf32(precision)
    a = torch.randn(large, large, device=device, dtype=dtype)
    product = large**3 / _best(lambda: a @ a, device)
    x = torch.randn(1, 128, large // 8, large // 8, device=device, dtype=dtype)
    weight = torch.randn(128, 128, 3, 3, device=device, dtype=dtype)
    x, weight = (t.contiguous(memory_format=torch.channels_last) for t in (x, weight))
    seconds = _best(lambda: torch.conv2d(x, weight, padding=1), device)
    return max(product, 9 * 128 * x.numel() / seconds)


def _best(run: Callable[[], object], device: str, repeats: int = 4) -> float:
    laps = []
    for _ in range(repeats):
        with stopwatch(device) as lap:
            run()
        laps.append(lap.seconds)
    return min(laps)


def use_tf32(precision: str) -> None:
    """Let a GPU round float32 factors to TF32 if, and only if, ``precision`` is ``tf32``."""
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
