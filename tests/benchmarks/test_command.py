import argparse
import sys

import pytest

from benchmarks.command import TASKS, benchmark
from faststyle.cli.arguments import add_arguments, call
from faststyle.core.errors import UserError


def run(*given: str) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser, benchmark)
    task = [] if given[0] in TASKS else ["infer"]
    call(benchmark, parser.parse_args([*task, *given]))


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (["--size", "big"], '--size "big" must be like 512'),
        (["--size", "8"], "16 pixels or more"),
        (["--network", "smal"], 'there is no network "smal": did you mean "small"'),
        (["--network", "johnson_paper"], "the reference has instance norm"),
        (["--rounds", "0"], "--rounds is 0"),
        (["--precision", "tf32"], "is for GPUs"),
        (["--plot", "losses.doc"], "must end in .png"),
        (["--photos", "nowhere"], "no such photo folder"),
        (["--ckpt", "none.safetensors"], "no such checkpoint"),
        (["train", "--against", "openvino"], "openvino is for stylizing on the CPU"),
        (["--against", "onnxruntime", "--size", "32x50"], "takes multiples of 4"),
        (["train", "--size", "32", "64", "--batch-size", "1", "2"], "not both"),
    ],
)
def test_a_wrong_choice_is_told_before_anything_is_measured(
    choice: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.command.measure_peak", lambda _device: pytest.fail("measured"))
    with pytest.raises(UserError, match=message):
        run(*choice)


def test_a_runtime_that_is_not_installed_is_told_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(UserError, match=r'pip install "faststyle\[openvino\]"'):
        run("--against", "openvino")
