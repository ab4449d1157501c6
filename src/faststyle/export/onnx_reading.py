"""ONNX models of anybody's, for pictures of any size: the model zoo's kind as well as ours."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.export.backend import LoadedModel

if TYPE_CHECKING:
    import onnx
    import onnxruntime

#: ONNX's own key for the order of channels (MetadataProps.md); and inputs that are called by it.
_ORDER_KEY = "image.bitmappixelformat"
_BLUE_FIRST = frozenset({"bgr8", "bgra8"})
_CALLED_BLUE_FIRST = re.compile(r"(?<![a-z])bgr(?![a-z])", re.IGNORECASE)

TYPES = {
    "tensor(uint8)": torch.uint8,
    "tensor(float)": torch.float32,
    "tensor(float16)": torch.float16,
    "tensor(double)": torch.float64,
}


def open_model(path: Path) -> LoadedModel:
    """A model that takes photos alone, freed from the one size that it may be exported for.

    Whether it then can compute other sizes, only trying tells; :attr:`LoadedModel.size` is the one
    that it was exported for.

    Raises ``UserError`` if the file refers to other files, or takes or makes something else; any
    ``Exception`` if it is none.
    """
    import onnx

    model = onnx.load_model_from_string(path.read_bytes())
    # Weights in other files could be any file of this machine.
    if any(tensor.external_data for tensor in model.graph.initializer):
        raise UserError(f"{path} keeps its weights in other files; only single files are read")
    size = _free_sizes(model)
    session = start_session(model.SerializeToString())
    given, output = session.get_inputs()[0], _picture_output(session)
    if given.type not in TYPES or output is None:
        raise UserError(f"{path} makes no pictures: it is not a style")

    def run(photos: Tensor) -> Tensor:
        [stylized] = session.run([output], {given.name: photos.numpy()})
        return torch.from_numpy(stylized)

    metadata = session.get_modelmeta().custom_metadata_map
    inputs = len(session.get_inputs())
    blue_first = _is_blue_first(given.name, metadata)
    return LoadedModel(run, TYPES[given.type], metadata, size, True, inputs, blue_first)


def start_session(content: bytes, threads: int = 0) -> "onnxruntime.InferenceSession":
    """ONNX Runtime on so many threads of the CPU, or on all."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is said by who reads it
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _is_blue_first(name: str, metadata: Mapping[str, str]) -> bool:
    """By what the file says (its case does not count), or else by how its input is called."""
    said = [text.lower() for key, text in metadata.items() if key.lower() == _ORDER_KEY]
    return said[0] in _BLUE_FIRST if said else bool(_CALLED_BLUE_FIRST.search(name))


def _picture_output(session: "onnxruntime.InferenceSession") -> str | None:
    """The name of the first output that may be a picture."""
    outputs = session.get_outputs()
    found = (each.name for each in outputs if each.type in TYPES and len(each.shape or ()) == 4)
    alone = len(outputs) == 1 and outputs[0].type in TYPES
    return next(found, outputs[0].name if alone else None)


def _free_sizes(model: "onnx.ModelProto") -> tuple[int, int] | None:
    """Let N, H and W of what goes in be anything, and forget what sizes follow from them.

    Returns H and W as they were, if the model was exported for one size.
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
