"""Stylizing one photo: faststyle's network, the reference's, and other runtimes'."""

from argparse import Namespace
from collections.abc import Generator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.compare import Round, Variant, by_precision
from benchmarks.reference import ReferenceNetwork
from faststyle.core.devices import reuse_freed_memory
from faststyle.core.errors import UserError
from faststyle.data.calibration import calibration_photos
from faststyle.export import BACKENDS, ExportOptions
from faststyle.export.exporting import export
from faststyle.images.files import load_picture
from faststyle.images.metrics import ssim
from faststyle.networks import NETWORKS, TransformNetwork
from faststyle.styles import TrainedStyle, open_style
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
}
#: Options of the networks that the reference can compute.
_REFERENCE = {"norm": "instance", "upsample": "resize", "padding": "reflect", "output": "tanh"}
Size = tuple[int, int]


def check_runtime(name: str) -> None:
    """Raise ``UserError`` if the packages of one of :data:`RUNTIMES` are not installed."""
    backend = BACKENDS.build(RUNTIMES[name][0])
    try:
        backend.check_installed((*backend.needs, *backend.runs_by))
    except UserError as error:
        raise UserError(f"--against {name}: {error}") from None


def variants(
    args: Namespace, network: Mapping[str, Any], size: Size, folder: Path
) -> list[Variant]:
    """Ours in each precision, after what they are measured against, which comes first.

    Args:
        args: of the command line.
        network: ``width``, ``blocks`` and ``noise``, for random weights.
        size: height and width of the photo.
        folder: where models of runtimes are written to, for this size.
    """
    reference = Variant("reference", partial(_prepare_reference, args, network, size))
    others = [reference] if "reference" in args.against else []
    for name in filter(RUNTIMES.get, args.against):
        path = _export(name, _style(args, network), size, folder)
        others.append(Variant(name, partial(_prepare_runtime, args, name, path, size)))
    return others + by_precision(partial(_prepare_ours, args, network, size), args.precision)


def difference(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """Of pictures (3, H, W) in [0, 1] the mean and the largest difference in 1/255, and SSIM."""
    errors = np.abs(a - b) * 255
    return {
        "mean_difference_255": float(errors.mean()),
        "largest_difference_255": float(errors.max()),
        "ssim": ssim(torch.from_numpy(a)[None], torch.from_numpy(b)[None]),
    }


def _prepare_ours(args: Namespace, network: Mapping[str, Any], size: Size, precision: str) -> Round:
    reuse_freed_memory()
    dtype = "bf16" if precision == "bf16" else "32"
    stylizer = Stylizer(_style(args, network), device=args.device, precision=dtype)
    if args.compile:
        stylizer.network.compile(mode=args.compile)
    return _stylize(stylizer, _photo(args, size))


def _prepare_reference(args: Namespace, options: Mapping[str, Any], size: Size) -> Round:
    network = _style(args, options).network
    kind, given = NETWORKS.describe(network)
    if kind != "johnson" or any(given[name] != value for name, value in _REFERENCE.items()):
        raise UserError(f"{args.ckpt}: the reference has no such network: {kind}, {given}")
    reference = ReferenceNetwork(**{name: given[name] for name in options})
    reference.load(network.state_dict()).to(args.device).eval()
    photo = _photo(args, size)
    return _stylize(lambda _: reference(photo.to(args.device)), photo)


def _prepare_runtime(args: Namespace, name: str, path: Path, size: Size) -> Round:
    model = BACKENDS.build(RUNTIMES[name][0]).load(path)
    assert model is not None
    return _stylize(model.run, _photo(args, size))


def _stylize(network: Any, photo: Tensor) -> Round:
    @torch.no_grad()
    def stylize() -> Tensor:
        stylized: Tensor = network(photo)[0].clamp(0, 1).cpu()
        return stylized

    def round_() -> Generator[str, None, np.ndarray]:
        result = stylize()
        yield "stylize"
        return result.numpy()

    return round_


def _export(name: str, style: TrainedStyle, size: Size, folder: Path) -> Path:
    """Write and measure a model for a runtime."""
    kind, is_int8 = RUNTIMES[name]
    photos = calibration_photos() if is_int8 else ()
    path = folder / f"{name}{BACKENDS.build(kind).suffix}"
    export(style, path, kind, ExportOptions("float", int8=is_int8, size=size, calibration=photos))
    size_bytes = sum(file.stat().st_size for file in folder.glob(f"{name}.*"))
    print(f"{name:20} {size_bytes / 1e6:.2f} MB")
    return path


def _style(args: Namespace, options: Mapping[str, Any]) -> TrainedStyle:
    if args.ckpt:
        return open_style(args.ckpt)
    torch.manual_seed(0)
    network = TransformNetwork(**options)
    return TrainedStyle(network.requires_grad_(False).eval())


def _photo(args: Namespace, size: Size) -> Tensor:
    pixels = load_picture(args.photo).pixels[None]
    scaled = torch.nn.functional.interpolate(pixels, size, mode="bicubic", antialias=True)
    return scaled.clamp_(0, 1)
