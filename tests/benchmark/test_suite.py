import argparse
import sys
from pathlib import Path
from typing import Any

import pytest

from faststyle.benchmark.suite import run_benchmark
from faststyle.core.errors import UserError

DEFAULTS: dict[str, Any] = {
    "task": "infer",
    "rounds": 1,
    "device": "cpu",
    "precision": None,
    "json": None,
    "plot": None,
    "size": ["32"],
    "photos": None,
    "photo": None,
    "style": None,
    "weights": "random",
    "network": "small",
    "ckpt": None,
    "against": (),
}


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"size": ["big"]}, '--size "big" must be like 512'),
        ({"size": ["8"]}, "16 pixels or more"),
        ({"network": "smal"}, 'there is no network "smal": did you mean "small"'),
        ({"network": "johnson_paper"}, "the reference has instance norm"),
        ({"rounds": 0}, "--rounds is 0"),
        ({"precision": ["tf32"]}, "is for GPUs"),
        ({"plot": Path("losses.doc")}, "must end in .png"),
        ({"photos": Path("nowhere")}, "no such photo folder"),
        ({"ckpt": "none.safetensors"}, "no such checkpoint"),
        ({"task": "train", "against": ["openvino"]}, "openvino is for stylizing on the CPU"),
        ({"against": ["onnxruntime"], "size": ["32x50"]}, "takes multiples of 4"),
        ({"task": "train", "size": ["32", "64"], "batch_size": [1, 2]}, "not both"),
    ],
)
def test_a_wrong_choice_is_told_before_anything_is_measured(
    choice: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "faststyle.benchmark.suite.measure_peak", lambda _device: pytest.fail("measured")
    )
    with pytest.raises(UserError, match=message):
        run_benchmark(argparse.Namespace(**{**DEFAULTS, **choice}))


def test_a_runtime_that_is_not_installed_is_told_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(UserError, match=r'pip install "faststyle\[openvino\]"'):
        run_benchmark(argparse.Namespace(**{**DEFAULTS, "against": ["openvino"]}))
