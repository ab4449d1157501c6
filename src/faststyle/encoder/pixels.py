"""Which pixels a loss network's weights were trained on, if not ImageNet's of torchvision."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.pixels import IMAGENET_MEAN, IMAGENET_STD

Triple = Sequence[float]


class PixelConvention(NamedTuple):
    """Pixels in [0, 1] times ``range``, less ``mean``, divided by ``std``, as ``channels``.

    ``mean`` and ``std`` are in the order of the channels, ``rgb`` or ``bgr``.
    """

    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    channels: str = "rgb"
    range: float = 1.0

    def of_unit_rgb(self) -> tuple[Triple, Triple]:
        """Mean and deviation of RGB pixels in [0, 1]."""
        order = -1 if self.channels == "bgr" else 1
        mean, std = ([x / self.range for x in values][::order] for values in (self.mean, self.std))
        return mean, std

    def is_close(self, other: "PixelConvention") -> bool:
        """Whether both are of the same pixels, but for half a gray level."""
        own, others = (torch.tensor(each.of_unit_rgb()) for each in (self, other))
        return self.channels == other.channels and torch.allclose(own, others, rtol=0.01)

    def __str__(self) -> str:
        mean, std = ([round(x, 4) for x in values] for values in (self.mean, self.std))
        return f"{self.channels} pixels up to {self.range:g}, less {mean}, over {std}"


_OXFORD_RGB = (123.68, 116.779, 103.939)
#: MatConvNet's.
RGB_255 = PixelConvention(_OXFORD_RGB, (1.0,) * 3, "rgb", 255)
#: Caffe's own, of Simonyan and Zisserman (2015).
BGR_255 = PixelConvention(_OXFORD_RGB[::-1], (1.0,) * 3, "bgr", 255)
#: By the beginning of their SHA-256, which is in the names of the files: torchvision's
#: ``vgg16_features-amdegroot``, and those that J. Johnson converted from Caffe's.
_KNOWN = {
    "88682ab5": PixelConvention((0.48235, 0.45882, 0.40784), (1 / 255,) * 3),
    "00b39a1b": BGR_255,
    "d01eb7cb": BGR_255,
}
#: Biases of the first layer of Oxford's VGG-19, which are the same for all pixels.
_OXFORD_BIASES = torch.tensor([0.7217, -0.4956, -0.4424, 0.9595, 0.3274, 0.5830, -0.0723, 0.6563])


def recognize(path: Path, weight: Tensor, bias: Tensor) -> PixelConvention:
    """What is known of a file, by its digest or by its first layer; else ImageNet's pixels.

    ``weight`` (64, 3, 3, 3) and ``bias`` (64,) are the first layer's.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest[:8] in _KNOWN:
        return _KNOWN[digest[:8]]
    is_oxford = torch.allclose(bias[:8].float(), _OXFORD_BIASES, atol=0.02)
    if not is_oxford or weight.std() > 3:  # for pixels of ImageNet's deviations, 57 times as large
        return PixelConvention()
    red, _, blue = weight[1].float().sum((1, 2))
    return RGB_255 if red < blue else BGR_255


def given_pixels(
    source: str, entries: Mapping[str, object], settings: Mapping[str, object]
) -> dict[str, Any]:
    """What ``settings`` (``mean``, ``std``, ``channels``, ``range``) or a file's ``entries`` say.

    Settings that are None say nothing. A mean above 1.5 is of pixels up to 255. Raises
    ``UserError``, which names the ``source``, for a mean without a deviation or the other way
    round, and for values that cannot be.
    """
    said: dict[str, Any] = {k: value for k, value in settings.items() if value is not None}
    for name in ("mean", "std"):
        if name not in said and name in entries:
            said[name] = entries[name]
        if name in said:
            said[name] = _three(source, name, said[name])
    if ("mean" in said) != ("std" in said):
        there, missing = ("mean", "std") if "mean" in said else ("std", "mean")
        raise UserError(
            f"{source} gives a {there} of its pixels and no {missing}:"
            f" say encoder.{missing}=[R,G,B]"
        )
    if "mean" in said and "range" not in said and max(said["mean"]) > 1.5:
        said["range"] = 255.0
    return said


def _three(source: str, name: str, value: object) -> list[float]:
    if isinstance(value, Tensor) and not value.is_meta and not value.is_sparse:
        value = value.flatten().tolist()
    try:
        numbers = [float(x) for x in value]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        numbers = []
    limits = torch.tensor(numbers)
    if len(numbers) != 3 or not limits.isfinite().all() or (name == "std" and limits.min() <= 0):
        raise UserError(f"{source}: {name}={value} must be three numbers, one for each channel")
    return numbers
