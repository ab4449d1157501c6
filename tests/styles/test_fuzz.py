"""Whatever a file holds, reading it gives a style, or one line that says why not."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from safetensors.torch import save_file

from faststyle.core.errors import UserError
from faststyle.networks import TransformNetwork
from faststyle.styles import (
    StyleMetadata,
    TrainedStyle,
    load_style,
    read_exported_style,
    write_style,
)
from tests.fuzz import COUNT, mutated


def _style(path: Path) -> None:
    network = TransformNetwork(width=1, blocks=0)
    write_style(TrainedStyle(network, StyleMetadata("night", title="Night")), path)


def _checkpoint(path: Path) -> None:
    network = TransformNetwork(width=1, blocks=0)
    content = {
        "state_dict": {f"network.{key}": value for key, value in network.state_dict().items()},
        "faststyle": {"style": "night", "network": '{"width": 1, "blocks": 0}'},
        "global_step": 12,
    }
    torch.save(content, path)


def _foreign(path: Path) -> None:
    """pytorch/examples' layers, with no more than one channel and no blocks."""
    widths = {"conv1": (1, 3, 9), "conv2": (2, 1, 3), "conv3": (4, 2, 3)}
    widths |= {"deconv1": (2, 4, 3), "deconv2": (1, 2, 3), "deconv3": (3, 1, 9)}
    state = {}
    for name, (outputs, inputs, side) in widths.items():
        state[f"{name}.conv2d.weight"] = torch.rand(outputs, inputs, side, side)
        state[f"{name}.conv2d.bias"] = torch.rand(outputs)
    for number, channels in enumerate((1, 2, 4, 2, 1), 1):
        state |= {f"in{number}.{leaf}": torch.rand(channels) for leaf in ("weight", "bias")}
    save_file(state, path)


def _program(path: Path) -> None:
    sizes: list[str | int | None] = ["N", 3, "H", "W"]
    graph = helper.make_graph(
        [helper.make_node("Relu", ["photos"], ["stylized"])],
        "style",
        [helper.make_tensor_value_info("photos", TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info("stylized", TensorProto.FLOAT, sizes)],
    )
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "write", "read"),
    [
        ("a.safetensors", _style, load_style),
        ("a.ckpt", _checkpoint, load_style),
        ("foreign.safetensors", _foreign, load_style),
        ("a.onnx", _program, read_exported_style),
    ],
)
def test_mutated_styles_are_read_or_refused_in_a_line(
    tmp_path: Path, name: str, write: Callable[[Path], None], read: Callable[[Path], object]
) -> None:
    path = tmp_path / name
    write(path)
    read(path)
    for content in mutated(path.read_bytes(), COUNT):
        path.write_bytes(content)
        with contextlib.suppress(UserError):
            read(path)
