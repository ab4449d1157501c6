"""Stylizing one photo: faststyle's network, the reference's, and other runtimes'."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from benchmarks.measure import Job, Round, Variant, by_precision, single_stage
from benchmarks.onnx_readers import READERS
from benchmarks.reference import reference_network
from benchmarks.settings import Settings, Size
from faststyle.core.devices import reuse_freed_memory
from faststyle.data.calibration import calibration_photos
from faststyle.export import BACKENDS, ExportOptions
from faststyle.images.files import load_picture
from faststyle.images.metrics import ssim
from faststyle.styles import TrainedStyle
from faststyle.styles.exporting import export
from faststyle.stylize.stylizer import Stylizer

#: What ``--against`` calls runtimes: their formats, and whether these are in 8 bits.
RUNTIMES = {
    "onnxruntime": ("onnx", False),
    "onnxruntime-int8": ("onnx", True),
    "openvino": ("openvino", False),
    "executorch": ("executorch", False),
    "executorch-int8": ("executorch", True),
    "litert": ("litert", False),
    "litert-int8": ("litert", True),
    "ncnn": ("ncnn", False),
    "mnn": ("mnn", False),
    **dict.fromkeys(READERS, ("onnx", False)),
}


def jobs(settings: Settings, style: TrainedStyle, folder: Path) -> Iterator[Job]:
    """One photo at each size; models of runtimes are written to ``folder``."""
    for height, width in settings.size:
        given = variants(settings, style, (height, width), folder)
        yield Job(f"stylizing {width} x {height}", given, {"pixels": height * width})


def variants(settings: Settings, style: TrainedStyle, size: Size, folder: Path) -> list[Variant]:
    """Ours in each precision, after what they are measured against."""
    others = []
    for name in settings.against:
        if name == "reference":
            prepare = partial(_prepare_reference, settings, style, size)
        else:
            path = _export(name, style, size, folder)
            prepare = partial(_prepare_runtime, settings, name, path, size)
        others.append(Variant(name, prepare))
    ours = by_precision(partial(_prepare_ours, settings, style, size), settings.precisions)
    return others + ours


def difference(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """Of pictures (3, H, W) in [0, 1] the mean and the largest difference in 1/255, and SSIM."""
    errors = np.abs(a - b) * 255
    return {
        "mean_difference_255": float(errors.mean()),
        "largest_difference_255": float(errors.max()),
        "ssim": ssim(torch.from_numpy(a)[None], torch.from_numpy(b)[None]),
    }


def _prepare_ours(settings: Settings, style: TrainedStyle, size: Size, precision: str) -> Round:
    reuse_freed_memory()
    dtype = "bf16" if precision == "bf16" else "32"
    stylizer = Stylizer(style, device=settings.device, precision=dtype)
    if settings.compile:
        stylizer.network.compile(mode=settings.compile)
    return _stylize(stylizer, settings, size)


def _prepare_reference(settings: Settings, style: TrainedStyle, size: Size) -> Round:
    reference = reference_network(style.network).to(settings.device).eval()
    return _stylize(lambda photo: reference(photo.to(settings.device)), settings, size)


def _prepare_runtime(settings: Settings, name: str, path: Path, size: Size) -> Round:
    if name in READERS:
        return _stylize(READERS[name](path), settings, size)
    model = BACKENDS.build(RUNTIMES[name][0]).load(path)
    assert model is not None
    return _stylize(model.run, settings, size)


def _stylize(network: Callable[[Tensor], Any], settings: Settings, size: Size) -> Round:
    pixels = load_picture(settings.photo).pixels[None]
    photo = interpolate(pixels, size, mode="bicubic", antialias=True).clamp_(0, 1)

    @torch.no_grad()
    def stylize() -> np.ndarray:
        result: np.ndarray = network(photo)[0].clamp(0, 1).cpu().numpy()
        return result

    return single_stage("stylize", stylize)


def _export(name: str, style: TrainedStyle, size: Size, folder: Path) -> Path:
    """Write and measure a model for a runtime."""
    kind, is_int8 = RUNTIMES[name]
    photos = calibration_photos() if is_int8 else ()
    path = folder / f"{name}{BACKENDS.build(kind).suffix}"
    export(style, path, kind, ExportOptions("float", int8=is_int8, sizes=size, calibration=photos))
    size_bytes = sum(file.stat().st_size for file in folder.glob(f"{name}.*"))
    print(f"{name:20} {size_bytes / 1e6:.2f} MB")
    return path
