"""Stylizing one photo: faststyle's network and the reference's, with the same weights."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from faststyle.benchmark.compare import NAMES, Stages, Variant, after_reference
from faststyle.benchmark.reference_network import ReferenceNetwork
from faststyle.benchmark.runtimes import RUNTIMES, bytes_of, runtime_variants
from faststyle.core.devices import reuse_freed_memory
from faststyle.core.errors import UserError
from faststyle.images.files import load_picture
from faststyle.networks import TransformNetwork, describe_network
from faststyle.styles import TrainedStyle, open_style
from faststyle.stylize.stylizer import Stylizer


@dataclass(frozen=True)
class InferTask:
    """Which style on which photo, scaled to ``height`` x ``width``.

    ``style``: a style's name or file, or none for random weights of a network of ``width``,
    ``blocks`` and ``noise``.
    ``compile``: a mode of ``torch.compile``, or none.
    """

    photo: Path
    size: tuple[int, int]
    style: str | None = None
    width: int = 32
    blocks: int = 5
    noise: int = 0
    device: str = "cpu"
    compile: str | None = None


#: Options of the networks that the reference can compute.
_REFERENCE = {"norm": "instance", "upsample": "resize", "padding": "reflect", "output": "tanh"}


@contextmanager
def variants(
    task: InferTask, precisions: Sequence[str], against: Sequence[str]
) -> Iterator[list[Variant]]:
    """Ours in each precision, after what they are measured ``against``, which comes first.

    Files that runtimes need are there as long as the context lasts.
    """
    ours = [Variant(NAMES[p], partial(_prepare_ours, task, p), p) for p in precisions]
    runtimes = [name for name in against if name in RUNTIMES]
    with tempfile.TemporaryDirectory() as temporary:
        folder, photo = Path(temporary), partial(_photo, task)
        others = runtime_variants(runtimes, _style(task), task.size, photo, folder)
        for name in runtimes:
            print(f"{name:20} {bytes_of(name, folder) / 1e6:.2f} MB")  # noqa: T201
        yield after_reference(
            [*others, *ours], partial(_prepare_reference, task), "reference" in against
        )


def difference(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """Of pictures (3, H, W) in [0, 1] the mean and the largest difference in 1/255, and SSIM."""
    errors = np.abs(a - b) * 255
    ssim = structural_similarity(a, b, channel_axis=0, data_range=1)  # type: ignore[no-untyped-call]
    return float(errors.mean()), float(errors.max()), float(ssim)


def _prepare_ours(task: InferTask, precision: str) -> Stages:
    reuse_freed_memory()
    stylizer = Stylizer(
        _style(task), device=task.device, precision="bf16" if precision == "bf16" else "32"
    )
    if task.compile:
        stylizer.network.compile(mode=task.compile)
    photo = _photo(task)
    return [("stylize", lambda: stylizer(photo)[0].cpu().numpy())]


def _prepare_reference(task: InferTask) -> Stages:
    network = _style(task).network
    kind, options = describe_network(network)
    if kind != "johnson" or any(options[name] != value for name, value in _REFERENCE.items()):
        raise UserError(f"{task.style}: the reference has no such network: {kind}, {options}")
    width, blocks, noise = (int(options[name]) for name in ("width", "blocks", "noise"))
    reference = ReferenceNetwork(width, blocks, noise=noise).load(network.state_dict())
    reference.to(task.device).eval()
    photo = _photo(task)

    @torch.no_grad()
    def stylize() -> np.ndarray:
        result: Tensor = reference(photo.to(task.device))
        return result[0].clamp(0, 1).cpu().numpy()

    return [("stylize", stylize)]


def _style(task: InferTask) -> TrainedStyle:
    if task.style:
        return open_style(task.style)
    torch.manual_seed(0)
    network = TransformNetwork(task.width, task.blocks, noise=task.noise)
    return TrainedStyle(network.requires_grad_(False).eval())


def _photo(task: InferTask) -> Tensor:
    pixels = load_picture(task.photo).pixels[None]
    scaled = torch.nn.functional.interpolate(pixels, task.size, mode="bicubic", antialias=True)
    return scaled.clamp_(0, 1)
