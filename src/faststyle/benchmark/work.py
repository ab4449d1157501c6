"""How much there is to do (multiply-adds, bytes), and how much of it a machine could do at most."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from faststyle.hardware import cpu_has_bf16


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
    """What this machine reached: multiply-adds a second in two types, bytes a second in a copy."""

    float32: float
    bfloat16: float
    copy: float

    def macs(self, precision: str) -> float:
        """Multiply-adds a second of ``precision`` as the benchmark names it: ``32`` or ``bf16``."""
        return self.float32 if precision == "32" else self.bfloat16


def measure_peak(device: str = "cpu") -> Peak:
    """The best of several large matrix products, convolutions and copies.

    Convolutions are measured too, since some libraries do them faster than matrix products.
    """
    gpu = device.startswith("cuda")
    source = torch.ones((1 << 28) if gpu else (1 << 26), device=device)
    target = torch.empty_like(source)
    copy = 2 * source.nbytes / _best(lambda: target.copy_(source), device)
    rates = {}
    for dtype in (torch.float32, torch.bfloat16):
        emulated = dtype == torch.bfloat16 and not gpu and not cpu_has_bf16()
        large = 8192 if gpu else 256 if emulated else 2048  # emulation takes 500 times as long
        a = torch.randn(large, large, device=device).to(dtype)
        product = large**3 / _best(lambda a=a: a @ a, device)  # type: ignore[misc]
        x = torch.randn(1, 128, large // 8, large // 8, device=device).to(dtype)
        weight = torch.randn(128, 128, 3, 3, device=device).to(dtype)
        x, weight = (t.contiguous(memory_format=torch.channels_last) for t in (x, weight))
        seconds = _best(lambda x=x, w=weight: torch.conv2d(x, w, padding=1), device)  # type: ignore[misc]
        rates[dtype] = max(product, 9 * 128 * x.numel() / seconds)
    return Peak(rates[torch.float32], rates[torch.bfloat16], copy)


def synchronise(device: str) -> None:
    """Wait until the device has done what it was asked to."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def _best(run: Callable[[], object], device: str, repeats: int = 7) -> float:
    seconds = []
    with torch.no_grad():
        for _ in range(repeats):
            start = time.perf_counter()
            run()
            synchronise(device)
            seconds.append(time.perf_counter() - start)
    return min(seconds)
