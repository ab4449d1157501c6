"""Styles as ONNX programs: those of ``faststyle export``, and others' of the model zoo's kind."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from faststyle.checkpoints.metadata import StyleMetadata
from faststyle.checkpoints.style_file import parse_metadata
from faststyle.core.errors import UserError
from faststyle.networks import pad_to_multiple
from faststyle.pictures.pixels import quantize, to_unit

if TYPE_CHECKING:
    import onnx
    import onnxruntime

#: The key that ``faststyle export`` leaves in a program: which form of pixels it takes.
PIXELS_KEY = "pixels"

_TYPES = ("tensor(uint8)", "tensor(float)")


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
        session: takes and gives (N, 3, H, W), uint8 or float32.
        top: the value of white in a program of floats, 1 or 255.
    """

    def __init__(self, session: "onnxruntime.InferenceSession", top: float) -> None:
        super().__init__()
        self.session = session
        self.input = session.get_inputs()[0]
        self.top = top

    def forward(self, images: Tensor) -> Tensor:
        """Stylize ``images`` (N, 3, H, W; RGB in [0, 1]); the result has the same shape."""
        height, width = images.shape[-2:]
        # Others' programs make pictures of other sizes where a side is no multiple of 4.
        photos = pad_to_multiple(images, minimum=8).cpu().contiguous()
        photos = quantize(photos) if self.input.type == "tensor(uint8)" else photos * self.top
        try:
            [stylized] = self.session.run(None, {self.input.name: photos.numpy()})
        except Exception as error:  # ONNX Runtime's have no common class
            raise RuntimeError(str(error)) from None
        unit = to_unit(torch.from_numpy(stylized))
        scaled = unit if stylized.dtype == "uint8" else unit / self.top
        return scaled[..., :height, :width].to(images)


def read_onnx(path: Path) -> OnnxStyle:
    """Read a style's program of any of these kinds, for pictures of any size.

    Supported: what ``faststyle export`` writes (bytes, or floats in [0, 1]), and programs of
    floats in [0, 255] like those of the ONNX model zoo's fast_neural_style; if these were exported
    for pictures of one size, they are freed from it.

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
        _free_sizes(model)
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
    network = OnnxNetwork(session, 1 if texts.get(PIXELS_KEY) == "float" else 255)
    _try(network, path)
    return OnnxStyle(network, parse_metadata(texts, path))


def _check_self_contained(model: "onnx.ModelProto", path: Path) -> None:
    """Weights in other files could be any file of this machine."""
    if any(tensor.external_data for tensor in model.graph.initializer):
        raise UserError(f"{path} keeps its weights in other files; only single files are read")


def _free_sizes(model: "onnx.ModelProto") -> None:
    """Let N, H and W of what goes in be anything, and forget what sizes follow from them."""
    known = {tensor.name for tensor in model.graph.initializer}
    for value in model.graph.input:
        dimensions = value.type.tensor_type.shape.dim
        if value.name not in known and len(dimensions) == 4:
            for index, name in ((0, "N"), (2, "H"), (3, "W")):
                dimensions[index].dim_param = name
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    model.graph.ClearField("value_info")


def _try(network: OnnxNetwork, path: Path) -> None:
    """Whether it makes a picture of a picture, in a size that nobody would have exported."""
    if network.input.type not in _TYPES or len(network.session.get_outputs()) != 1:
        raise UserError(f"{path} makes no pictures: it is not a style")
    photo = torch.rand(1, 3, 48, 88)
    try:
        result: Any = network(photo)
    except (RuntimeError, ValueError) as error:
        reason = re.sub(r"\s+", " ", str(error))[:120]
        raise UserError(f"{path} is no style for pictures of any size: {reason}") from None
    if result.shape != photo.shape:
        raise UserError(f"{path} makes no pictures: it is not a style")
