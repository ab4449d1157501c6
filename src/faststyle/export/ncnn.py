"""ncnn: for phones, on their CPUs and graphics chips."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from faststyle.export.backend import BACKENDS, FIXED, ExportBackend, LoadedModel
from faststyle.export.export_module import (
    FLOAT_BYTES,
    PIXELS_KEY,
    ExportModule,
    ExportOptions,
    fixed_size,
)
from faststyle.export.onnx import make_model
from faststyle.networks.portable import fix_noise

#: What the line begins with that holds the metadata, as JSON. ncnn reads as many lines as the
#: second one says, and no further.
_METADATA = "faststyle "
#: What pnnx calls photos and the result.
_INPUT, _OUTPUT = "in0", "out0"


@BACKENDS.register("ncnn")
class Ncnn(ExportBackend):
    """ncnn by way of ONNX, which pnnx converts: a file of the graph, and one of weights.

    It takes one picture (3, H, W) of floats, with ``bytes`` from 0 to 255, as
    ``ncnn::Mat::from_pixels`` makes them.
    """

    title = "ncnn"
    suffix = ".param"
    writer_packages = ("onnx", "onnxscript", "pnnx")
    runtime_packages = ("ncnn",)
    extra = "ncnn"
    supports = frozenset({"half"})
    sizes = (FIXED,)

    def files(self, path: Path) -> tuple[Path, ...]:
        """The graph and the weights."""
        return path, path.with_suffix(".bin")

    def make_module(self, network: nn.Module, options: ExportOptions) -> ExportModule:
        """Of floats; ``half`` is of the weights alone."""
        assert options.size
        pixels = FLOAT_BYTES if options.pixels == "bytes" else "float"
        return ExportModule(fix_noise(network, options.size), pixels)

    def write(
        self, module: ExportModule, path: Path, metadata: Mapping[str, str], options: ExportOptions
    ) -> None:
        """Have pnnx convert the ONNX model. Raises ``RuntimeError`` with what it says."""
        import pnnx

        assert options.size
        height, width = options.size
        content = make_model(module, options).SerializeToString()
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "style.onnx").write_bytes(content)
            shape = f"inputshape=[1,3,{height},{width}]"
            command = [pnnx.EXEC_PATH, "style.onnx", shape, f"fp16={int(options.half)}"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            made = Path(folder, "style.ncnn.param")
            if done.returncode or not made.is_file():
                raise RuntimeError(done.stderr[-500:])
            path.write_text(f"{made.read_text()}{_METADATA}{json.dumps(dict(metadata))}\n")
            shutil.move(made.with_suffix(".bin"), path.with_suffix(".bin"))

    def load(self, path: Path) -> LoadedModel:
        """Load it by ncnn, on as many threads as torch has."""
        import ncnn

        net = ncnn.Net()
        net.opt.num_threads = torch.get_num_threads()
        # The exact result, and not that of the fastest numbers that the CPU has.
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.opt.use_bf16_storage = False
        if net.load_param(str(path)) or net.load_model(str(path.with_suffix(".bin"))):
            raise ValueError(f"{path} is no model of ncnn")

        last = path.read_text().splitlines()[-1]
        is_ours = last.startswith(_METADATA)
        metadata = json.loads(last.removeprefix(_METADATA)) if is_ours else {}
        dtype = torch.uint8 if metadata.get(PIXELS_KEY) == "bytes" else torch.float32
        size = fixed_size(metadata)

        def run(photos: Tensor) -> Tensor:
            if size and photos.shape[2:] != size:  # ncnn would paint something
                raise ValueError(f"it takes {size[1]} x {size[0]} pixels only")
            return torch.stack([_run(net, photo) for photo in photos.float()])

        return LoadedModel(run, dtype, metadata, size)


def _run(net: Any, photo: Tensor) -> Tensor:
    import ncnn

    extractor = net.create_extractor()
    # A copy: the first layer may compute in the memory that it is given.
    extractor.input(_INPUT, ncnn.Mat(np.ascontiguousarray(photo)).clone())
    status, stylized = extractor.extract(_OUTPUT)
    if status:
        raise ValueError(f"ncnn fails with status {status}")
    return torch.from_numpy(np.array(stylized))
