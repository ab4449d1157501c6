"""``faststyle info``: what a report of a bug should say of the machine."""

import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from faststyle.core.version import __version__

#: What faststyle builds on, also where only an extra asks for it.
_PACKAGES = (
    "torch torchvision pytorch-lightning hydra-core tensorboard numpy pillow imagecodecs"
    " safetensors huggingface_hub simplejpeg av onnxruntime starlette opencv-python"
)


def info() -> None:
    """Print a line for each value, after its name."""
    rows = [*_versions(), *_devices(), *_places()]
    width = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        print(f"{name + ':':{width}}{value}")


def _versions() -> Iterator[tuple[str, str]]:
    yield "faststyle", f"{__version__}, in {Path(__file__).resolve().parents[1]}"
    yield "Python", f"{platform.python_version()}, {sys.executable}"
    yield "system", platform.platform()
    for package in _PACKAGES.split():
        try:
            yield package, importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            yield package, "not installed"


def _devices() -> Iterator[tuple[str, str]]:
    import psutil
    import torch

    from faststyle.core.devices import cpu_has_bf16, cpu_name

    threads = f"{torch.get_num_threads()} threads"
    bf16 = "bf16" if cpu_has_bf16() else "no bf16"
    kernels = torch.backends.cpu.get_cpu_capability()
    yield "processor", f"{cpu_name()}, {psutil.cpu_count()} cores, {threads}, {kernels}, {bf16}"
    memory = psutil.virtual_memory()
    yield "memory", f"{memory.total / 2**30:.1f} GiB, {memory.available / 2**30:.1f} free"
    for index in range(torch.cuda.device_count()):
        gpu = torch.cuda.get_device_properties(index)
        size = f"{gpu.total_memory / 2**30:.1f} GiB"
        yield f"cuda:{index}", f"{gpu.name}, {size}, CUDA {torch.version.cuda}"
    if torch.backends.mps.is_available():
        yield "mps", "there is one"


def _places() -> Iterator[tuple[str, str]]:
    import torch

    from faststyle.core.assets import bundled_folder
    from faststyle.styles.catalog import FOLDERS

    yield "configs", str(bundled_folder("configs"))
    yield "styles", ", ".join(str(folder.resolve()) for folder in FOLDERS)
    for folder in (os.environ.get("FASTSTYLE_CACHE", "~/.cache/faststyle"), torch.hub.get_dir()):
        cache = Path(folder).expanduser()
        sizes = [path.stat().st_size for path in cache.rglob("*") if path.is_file()]
        yield "cache", f"{cache}, {len(sizes)} files, {sum(sizes) / 1e9:.1f} GB"
