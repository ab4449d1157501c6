"""Styles as ONNX programs: those of ``faststyle export``, and others' of the model zoo's kind."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from faststyle.checkpoints.metadata import StyleMetadata
from faststyle.checkpoints.onnx_pixels import BYTES, UNIT, Pixels, guess_pixels
from faststyle.checkpoints.style_file import parse_metadata
from faststyle.core.errors import UserError
from faststyle.networks import pad_to_multiple
from faststyle.pictures.pixels import quantize, resample, to_unit

if TYPE_CHECKING:
    import onnx
    import onnxruntime

log = logging.getLogger(__name__)

#: The key that ``faststyle export`` leaves in a program: which form of pixels it takes.
PIXELS_KEY = "pixels"

#: A height and width that nobody would export a program for.
_UNLIKELY = (48, 88)

_TYPES = {
    "tensor(uint8)": torch.uint8,
    "tensor(float)": torch.float32,
    "tensor(float16)": torch.float16,
    "tensor(double)": torch.float64,
}


@dataclass(frozen=True)
class OnnxStyle:
    """A style's program and what its file says of it."""

    network: "OnnxNetwork"
    metadata: StyleMetadata

    @property
    def name(self) -> str:
        """See :attr:`StyleMetadata.name`."""
        return self.metadata.name


class OnnxNetwork(nn.Module):
    """A program that ONNX Runtime computes, on the CPU, as if it were a transform network.

    Args:
        session: takes and gives (N, 3, H, W), uint8 or floats.
        pixels: the range of a program of floats.
        size: height and width of the only pictures that it takes; others are scaled, there and
            back.
    """

    def __init__(
        self,
        session: "onnxruntime.InferenceSession",
        pixels: Pixels = BYTES,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.session = session
        self.input = session.get_inputs()[0]
        self.output = _picture_output(session)
        self.pixels = pixels
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        """Stylize ``images`` (N, 3, H, W; RGB in [0, 1]); the result has the same shape."""
        height, width = images.shape[-2:]
        if self.size is not None:
            scaled = [self.run(resample(image, self.size)[None]) for image in images]
            return torch.cat([resample(image[0], (height, width))[None] for image in scaled])
        # Others' programs make pictures of other sizes where a side is no multiple of 4.
        return self.run(pad_to_multiple(images, minimum=8))[..., :height, :width]

    def run(self, images: Tensor) -> Tensor:
        """As :meth:`forward`, of a size that the program takes as it is."""
        photos = images.cpu().float()
        given = quantize(photos) if self.takes_bytes else self.pixels.encode(photos)
        stylized = self.compute(given)
        if not stylized.is_floating_point():
            return to_unit(stylized).to(images)
        return self.pixels.decode(stylized.float()).to(images)

    @property
    def takes_bytes(self) -> bool:
        """Whether the program's input is of uint8."""
        return _TYPES[self.input.type] == torch.uint8

    def compute(self, photos: Tensor) -> Tensor:
        """What the program itself makes of the numbers ``photos``."""
        given = photos.to(_TYPES[self.input.type]).contiguous().numpy()
        try:
            [stylized] = self.session.run([self.output], {self.input.name: given})
        except Exception as error:  # ONNX Runtime's have no common class
            raise RuntimeError(str(error)) from None
        return torch.from_numpy(stylized)


def read_onnx(path: Path) -> OnnxStyle:
    """Read a style's program of any of these kinds, for pictures of any size.

    Supported: what ``faststyle export`` writes (bytes, or floats in [0, 1]), and programs of
    floats like those of the ONNX model zoo's fast_neural_style, whose range is found by trying
    (:mod:`faststyle.checkpoints.onnx_pixels`); if these were exported for pictures of one size,
    they are freed from it where that can be done.

    Raises ``UserError`` if the file is missing or corrupt, refers to other files, is another kind
    of program, or if ONNX Runtime is not installed.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError:
        raise UserError('ONNX needs more packages: pip install "faststyle[export]"') from None

    if not path.is_file():
        raise UserError(f"no such checkpoint: {path}")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is said below
    try:
        model = onnx.load_model_from_string(path.read_bytes())
        _check_self_contained(model, path)
        size = _free_sizes(model)
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except UserError:
        raise
    except Exception:  # onnx's and ONNX Runtime's have no common class
        raise UserError(f"{path} is not an ONNX program that can be read (truncated?)") from None
    if len(session.get_inputs()) != 1:
        raise UserError(f"{path} takes more than photos: it is no style by itself")
    texts = {"style": path.stem} | dict(session.get_modelmeta().custom_metadata_map)
    if session.get_inputs()[0].type not in _TYPES or _picture_output(session) is None:
        raise UserError(f"{path} makes no pictures: it is not a style")
    network = _any_size(session, size, path)
    if texts.get(PIXELS_KEY) == "float":
        network.pixels = UNIT
    elif not network.takes_bytes:
        network.pixels = guess_pixels(network.compute, network.size or _UNLIKELY)
        if network.pixels is not BYTES:
            log.warning("%s is taken for one of pixels %s", path, network.pixels.name)
    return OnnxStyle(network, parse_metadata(texts, path))


def _any_size(
    session: "onnxruntime.InferenceSession", size: tuple[int, int] | None, path: Path
) -> OnnxNetwork:
    """For pictures of any size: computed as they are, or else scaled to the program's own."""
    try:
        network = OnnxNetwork(session)
        _try(network, path)
    except UserError:
        if size is None:
            raise
        network = OnnxNetwork(session, size=size)
        _try(network, path)
        log.warning(
            "%s takes pictures of %d x %d pixels only: others are scaled to that, and back",
            *(path, size[1], size[0]),
        )
    return network


def _picture_output(session: "onnxruntime.InferenceSession") -> str | None:
    """The name of the first output that may be a picture."""
    outputs = session.get_outputs()
    found = (each.name for each in outputs if each.type in _TYPES and len(each.shape or ()) == 4)
    alone = len(outputs) == 1 and outputs[0].type in _TYPES
    return next(found, outputs[0].name if alone else None)


def _check_self_contained(model: "onnx.ModelProto", path: Path) -> None:
    """Weights in other files could be any file of this machine."""
    if any(tensor.external_data for tensor in model.graph.initializer):
        raise UserError(f"{path} keeps its weights in other files; only single files are read")


def _free_sizes(model: "onnx.ModelProto") -> tuple[int, int] | None:
    """Let N, H and W of what goes in be anything, and forget what sizes follow from them.

    Returns H and W as they were, if the program was exported for one size.
    """
    size = None
    known = {tensor.name for tensor in model.graph.initializer}
    for value in model.graph.input:
        dimensions = value.type.tensor_type.shape.dim
        if value.name not in known and len(dimensions) == 4:
            height, width = dimensions[2].dim_value, dimensions[3].dim_value
            size = (height, width) if height and width else None
            for index, name in ((0, "N"), (2, "H"), (3, "W")):
                dimensions[index].dim_param = name
    for value in model.graph.output:
        for index, dimension in enumerate(value.type.tensor_type.shape.dim):
            dimension.dim_param = f"{value.name}_{index}"
    model.graph.ClearField("value_info")
    return size


def _try(network: OnnxNetwork, path: Path) -> None:
    """Whether it makes a picture of a picture, in an unlikely size or in its own."""
    photo = torch.rand(1, 3, *(network.size or _UNLIKELY))
    try:
        result: Any = network.run(photo)
    except (RuntimeError, ValueError):
        height, width = photo.shape[2:]
        raise UserError(
            f"{path} is no style for pictures of any size: it fails at {width} x {height} pixels"
        ) from None
    if result.shape != photo.shape:
        raise UserError(f"{path} makes no pictures: it is not a style")
