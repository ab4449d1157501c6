"""OpenVINO's intermediate representation: a file of the graph, ``.xml``, and one of weights."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from faststyle.export.backend import BACKENDS, ExportBackend, LoadedModel
from faststyle.export.export_module import ExportModule, ExportOptions
from faststyle.export.onnx import make_model

#: Under which our metadata stands among what OpenVINO itself says of the file.
_METADATA = "faststyle"
_TYPES = {"u8": torch.uint8, "f32": torch.float32, "f16": torch.float16}
#: The exact result, and not that of the fastest numbers that the CPU has.
_EXACT = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}


@BACKENDS.register("openvino")
class OpenVino(ExportBackend):
    """OpenVINO, by way of ONNX, which it converts all of; of torch's graphs not every size."""

    title = "OpenVINO"
    suffix = ".xml"
    writer_packages = ("onnx", "onnxscript")
    runtime_packages = ("openvino",)
    extra = "openvino"
    supports = frozenset({"half", "mixable"})

    def files(self, path: Path) -> tuple[Path, ...]:
        """The graph and the weights."""
        return path, path.with_suffix(".bin")

    def make_module(self, network: torch.nn.Module, options: ExportOptions) -> ExportModule:
        """In float32: OpenVINO computes in the precision that it is told to."""
        module = super().make_module(network, options)
        return ExportModule(module.network.float(), options.pixels)

    def write(
        self, module: ExportModule, path: Path, metadata: Mapping[str, str], options: ExportOptions
    ) -> None:
        """Convert the ONNX model; ``half`` is of the weights alone."""
        import openvino

        content = make_model(module, options).SerializeToString()
        model = openvino.Core().read_model(content, b"")
        for key, value in metadata.items():
            model.set_rt_info(value, [_METADATA, key])
        openvino.save_model(model, path, compress_to_fp16=options.half)

    def load(self, path: Path) -> LoadedModel:
        """Compile it for the CPU, on as many threads as torch has."""
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
        known = model.get_rt_info([_METADATA]).value if model.has_rt_info([_METADATA]) else {}
        metadata = {key: str(value) for key, value in known.items()}
        return LoadedModel(run, dtype, metadata, size, inputs=len(model.inputs))
