"""What the processor and the memory of this machine do well."""

import ctypes
import platform
import sys
from collections.abc import Mapping

import psutil
import torch
from torch import Tensor

from faststyle.core.errors import UserError

# Parameters of glibc's mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_NEVER = 2**31 - 1


def cpu_has_bf16() -> bool:
    """Whether the CPU multiplies bfloat16 itself; elsewhere it is far slower than float32."""
    known = _capabilities()
    return any(known.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16"))


def find_device(name: str) -> torch.device:
    """The device called ``name``; for ``auto`` an accelerator if there is one, else the CPU.

    Raises ``UserError`` if there is none of that name.
    """
    if name == "auto":
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        return accelerator or torch.device("cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise UserError(f'device "{name}" is not to be had here; try cpu') from None
    return device


def free_memory(device: torch.device) -> int:
    """Bytes that ``device`` could still give this process."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def cpu_name() -> str:
    """The processor as it calls itself, or at least its architecture."""
    return str(_capabilities().get("cpu_name") or platform.machine())


def _capabilities() -> Mapping[str, object]:
    # Older versions of torch cannot tell.
    found: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return found


def use_cpu_kernels(x: Tensor) -> bool:
    """Whether kernels for a CPU should compute on ``x``; compilers see plain modules."""
    return (
        x.device.type == "cpu" and not torch.compiler.is_compiling() and not torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    )


def empty(size: tuple[int, ...], like: Tensor) -> Tensor:
    """Channels-last memory for a tensor of ``size``, in the dtype and on the device of ``like``."""
    return torch.empty(
        size, dtype=like.dtype, device=like.device, memory_format=torch.channels_last
    )


def reuse_freed_memory() -> None:
    """Keep freed memory in the process, on Linux with glibc; elsewhere nothing happens.

    A network's layers ask for the same large blocks over and over. glibc gives each back to the
    system when it is freed, which then has to map and clear every page anew: 10 to 20 % of a
    training step or a stylized picture. For programs, not libraries: it is for the whole process.
    """
    _call_glibc("mallopt", _M_MMAP_THRESHOLD, 2**30)
    _call_glibc("mallopt", _M_TRIM_THRESHOLD, _NEVER)


def return_freed_memory() -> None:
    """Give the system what :func:`reuse_freed_memory` has kept, before something very large."""
    _call_glibc("malloc_trim", 0)


def _call_glibc(name: str, *arguments: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if function is not None:
        function(*arguments)
