"""What kernels for a CPU share: where they are used, and memory in the layout that they prefer."""

import torch
from torch import Tensor


def use_cpu_kernels(x: Tensor) -> bool:
    """Whether they should compute on ``x``; compilers and exporters see plain modules."""
    return (
        x.device.type == "cpu" and not torch.compiler.is_compiling() and not torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    )


def empty(size: tuple[int, ...], like: Tensor) -> Tensor:
    """Memory for a tensor of ``size`` in the dtype and on the device of ``like``."""
    return torch.empty(
        size, dtype=like.dtype, device=like.device, memory_format=torch.channels_last
    )
