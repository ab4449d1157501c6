"""MNN: for phones, and CPUs of all kinds."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from faststyle.export.backend import BACKENDS, ExportBackend, LoadedModel
from faststyle.export.export_module import PIXELS_KEY, ExportModule, ExportOptions, fixed_size
from faststyle.export.onnx import make_model


@BACKENDS.register("mnn")
class Mnn(ExportBackend):
    """MNN by way of ONNX. The metadata is its ``bizCode``, as JSON."""

    title = "MNN"
    suffix = ".mnn"
    writer_packages = ("onnx", "onnxscript")
    runtime_packages = ("MNN",)
    extra = "mnn"
    supports = frozenset({"half", "mixable"})

    def make_module(self, network: torch.nn.Module, options: ExportOptions) -> ExportModule:
        """In float32; ``half`` is of the weights alone."""
        module = super().make_module(network, options)
        return ExportModule(module.network.float(), options.pixels)

    def write(
        self, module: ExportModule, path: Path, metadata: Mapping[str, str], options: ExportOptions
    ) -> None:
        """Convert the ONNX model. Raises ``RuntimeError`` if no file comes of that."""
        # Not MNN.tools.mnnconvert: it installs a package by pip, and tells a server what it did.
        import _tools

        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "style.onnx")
            source.write_bytes(make_model(module, options).SerializeToString())
            arguments = {"-f": "ONNX", "--modelFile": source, "--MNNModel": path}
            arguments["--bizCode"] = json.dumps(dict(metadata))
            words = [str(word) for pair in arguments.items() for word in pair]
            _tools.mnnconvert(["mnnconvert", *words, *(["--fp16"] if options.half else [])])
        if not path.is_file():
            raise RuntimeError("the converter wrote nothing")

    def load(self, path: Path) -> LoadedModel:
        """Load it by MNN, on as many threads as torch has."""
        from MNN import nn

        known = nn.load_module_from_file(str(path), [], []).get_info()
        metadata = _read_metadata(known["bizCode"])
        config = {"numThread": torch.get_num_threads(), "precision": "high"}
        manager = nn.create_runtime_manager((config,))
        inputs, outputs = known["inputNames"], known["outputNames"]
        net = nn.load_module_from_file(str(path), inputs, outputs, runtime_manager=manager)

        def run(*given: Tensor) -> Tensor:
            made = net.forward([_to_mnn(value) for value in given])
            if not made:
                raise ValueError(f"MNN fails at {tuple(given[0].shape)}")
            return _from_mnn(made[0])

        dtype = torch.uint8 if metadata.get(PIXELS_KEY) == "bytes" else torch.float32
        return LoadedModel(run, dtype, metadata, fixed_size(metadata), inputs=len(inputs))


def _to_mnn(value: Tensor) -> Any:
    from MNN import expr

    dtype = expr.uint8 if value.dtype == torch.uint8 else expr.float
    placeholder = expr.placeholder(list(value.shape), expr.NCHW, dtype)
    placeholder.write(np.ascontiguousarray(value))
    return placeholder


def _from_mnn(value: Any) -> Tensor:
    from MNN import expr

    if value.data_format == expr.NC4HW4:
        value = expr.convert(value, expr.NCHW)
    return torch.from_numpy(np.array(value.read()).reshape(value.shape))


def _read_metadata(text: str) -> dict[str, str]:
    """That of our models; none of others', which say there what they like."""
    found = json.loads(text) if text.startswith("{") else {}
    return {str(key): str(value) for key, value in found.items()}
