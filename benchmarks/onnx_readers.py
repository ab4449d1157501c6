"""Runtimes that nothing is exported for, but that read our ONNX models."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

#: Computes a model of photos, or of these and style weights.
Run = Callable[..., Tensor]


def read_by_tract(path: Path) -> Run:
    """Sonos' tract."""
    import tract

    model = tract.onnx().load(str(path)).into_model().into_runnable()
    return lambda *given: torch.from_numpy(model.run([x.numpy() for x in given])[0].to_numpy())


def read_by_opencv(path: Path) -> Run:
    """OpenCV's dnn."""
    import cv2

    net = cv2.dnn.readNetFromONNX(str(path))

    def run(*given: Tensor) -> Tensor:
        for name, value in zip(("photos", "mixture"), given, strict=False):
            net.setInput(value.numpy(), name)
        return torch.from_numpy(net.forward().copy())

    return run


def read_by_iree(path: Path) -> Run:
    """IREE, for the CPU of this machine."""
    import iree.compiler.tools
    import iree.runtime
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "style.mlir")
        importer = [sys.executable, "-m", "iree.compiler.tools.import_onnx"]
        subprocess.run([*importer, str(path), "-o", str(source)], check=True, capture_output=True)
        compiled = iree.compiler.tools.compile_file(
            str(source),
            target_backends=["llvm-cpu"],
            input_type="onnx",
            extra_args=["--iree-llvmcpu-target-cpu=host"],
        )
    module: Any = iree.runtime.load_vm_flatbuffer(compiled, driver="local-task")
    function = module[onnx.load(path).graph.name]
    return lambda *given: torch.from_numpy(np.array(function(*(x.numpy() for x in given))))


def read_by_onnxslim(path: Path) -> Run:
    """ONNX Runtime, of what onnxslim makes of the model."""
    import onnx
    import onnxslim

    from faststyle.export.onnx_reading import start_session

    slim = onnxslim.slim(onnx.load(path))
    session = start_session(slim.SerializeToString(), torch.get_num_threads())
    names = [each.name for each in session.get_inputs()]

    def run(*given: Tensor) -> Tensor:
        named = {name: value.numpy() for name, value in zip(names, given, strict=True)}
        return torch.from_numpy(session.run(None, named)[0])

    return run


def read_by_tinygrad(path: Path) -> Run:
    """tinygrad, which needs clang."""
    import tinygrad
    from tinygrad.nn.onnx import OnnxRunner

    runner = OnnxRunner(str(path))

    def run(*given: Tensor) -> Tensor:
        named = zip(("photos", "mixture"), given, strict=False)
        made = runner({name: tinygrad.Tensor(value.numpy()) for name, value in named})
        return torch.from_numpy(next(iter(made.values())).numpy().copy())

    return run


#: By the names that ``--against`` calls them by.
READERS: dict[str, Callable[[Path], Run]] = {
    "tract": read_by_tract,
    "opencv": read_by_opencv,
    "iree": read_by_iree,
    "onnxslim": read_by_onnxslim,
    "tinygrad": read_by_tinygrad,
}
