"""Other runtimes on a style's exported program, as variants of stylizing one photo.

Both get what makes them fastest: threads like ours, and OpenVINO the shape of the photo.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from faststyle.benchmark.compare import Stages
from faststyle.core.errors import UserError

#: Packages to compare with -> how to get what that needs.
NEEDED = {"onnxruntime": "export", "openvino": "openvino"}


def check_runtimes(names: list[str]) -> None:
    """Raise ``UserError`` if one of these packages is not installed."""
    for name in names:
        if find_spec(name) is None:
            raise UserError(
                f'--against {name} needs more packages: pip install "faststyle[{NEEDED[name]}]"'
            )


def prepare_runtime(name: str, program: Path, photo: Callable[[], Tensor]) -> Stages:
    """Load ``program``, which takes ``photos`` of floats, once; its only stage runs it.

    Args:
        name: one of :data:`NEEDED`.
        program: an ONNX file from :func:`faststyle.checkpoints.export.export`.
        photo: gives (1, 3, H, W).
    """
    photos = photo().numpy()
    run = (_onnxruntime if name == "onnxruntime" else _openvino)(program, photos.shape)
    return [("stylize", lambda: run(photos)[0].clip(0, 1))]


def _onnxruntime(program: Path, _shape: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        str(program), options, providers=["CPUExecutionProvider"]
    )

    def run(photos: np.ndarray) -> np.ndarray:
        [stylized] = session.run(None, {"photos": photos})
        return np.asarray(stylized)

    return run


def _openvino(program: Path, shape: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    import openvino

    core = openvino.Core()
    model = core.read_model(program)
    model.reshape(list(shape))
    settings = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = core.compile_model(model, "CPU", settings)

    def run(photos: np.ndarray) -> np.ndarray:
        return np.array(compiled(photos)[0])

    return run
