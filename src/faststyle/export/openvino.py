"""OpenVINO's intermediate representation: a file of the graph, ``.xml``, and one of weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from faststyle.export.backend import ExportBackend, LoadedModel
from faststyle.export.export_module import ExportModule, ExportOptions
from faststyle.export.onnx import make_model

#: Under which facts stand among what OpenVINO itself says of the file.
_FACTS = "faststyle"
_TYPES = {"u8": torch.uint8, "f32": torch.float32, "f16": torch.float16}
#: The exact result, and not that of the fastest numbers that the CPU has.
_EXACT = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}


class OpenVino(ExportBackend):
    """OpenVINO, by way of ONNX, which it converts all of; of torch's graphs not every size."""

    name = "openvino"
    title = "OpenVINO"
    suffix = ".xml"
    needs = ("onnx", "onnxscript")
    runs_by = ("openvino",)
    extra = "openvino"
    supports = frozenset({"half", "mixable", "any_size"})

    def files(self, path: Path) -> tuple[Path, ...]:
        """See :class:`ExportBackend`."""
        return path, path.with_suffix(".bin")

    def program(self, network: torch.nn.Module, options: ExportOptions) -> ExportModule:
        """See :class:`ExportBackend`; OpenVINO computes in the precision that it is told to."""
        program = super().program(network, options)
        return ExportModule(program.network.float(), options.pixels)

    def write(
        self, program: ExportModule, path: Path, facts: Mapping[str, str], options: ExportOptions
    ) -> None:
        """See :class:`ExportBackend`; ``half`` is of the weights alone."""
        import openvino

        content = make_model(program, options).SerializeToString()
        model = openvino.Core().read_model(content, b"")
        for key, value in facts.items():
            model.set_rt_info(value, [_FACTS, key])
        openvino.save_model(model, path, compress_to_fp16=options.half)

    def load(self, path: Path) -> LoadedModel:
        """See :class:`ExportBackend`."""
        import openvino

        core = openvino.Core()
        model = core.read_model(path)
        threads = {"INFERENCE_NUM_THREADS": torch.get_num_threads()}
        compiled = core.compile_model(model, "CPU", _EXACT | threads)
        shape = model.inputs[0].partial_shape
        size = None if shape.is_dynamic else (shape[2].get_length(), shape[3].get_length())

        def run(*given: Tensor) -> Tensor:
            return torch.from_numpy(compiled([value.numpy() for value in given])[0].copy())

        dtype = _TYPES[model.inputs[0].element_type.get_type_name()]
        return LoadedModel(run, dtype, _facts(model), size, inputs=len(model.inputs))


def _facts(model: Any) -> dict[str, str]:
    if not model.has_rt_info([_FACTS]):
        return {}
    return {key: str(value) for key, value in model.get_rt_info([_FACTS]).value.items()}
