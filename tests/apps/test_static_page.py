import json
from pathlib import Path

import onnxruntime
import pytest
import torch

from faststyle.apps.static_page import write_programs
from faststyle.checkpoints import StyleMetadata, TrainedStyle, write_style
from faststyle.core.errors import UserError
from faststyle.networks import TransformNetwork
from tests.several import several_styles


def test_each_file_becomes_a_program_and_all_are_listed(tmp_path: Path) -> None:
    one, several = tmp_path / "one.safetensors", tmp_path / "several.safetensors"
    write_style(TrainedStyle(TransformNetwork(2, 0), StyleMetadata("dusk")), one)
    write_style(several_styles(), several)
    programs = write_programs([one, several], tmp_path / "web" / "styles")
    assert [program.name for program in programs] == ["one.onnx", "several.onnx"]
    listed = json.loads((tmp_path / "web/styles/styles.json").read_text())
    assert [(p["name"], p["weights"]) for p in listed] == [("one", 0), ("several", 4)]
    held = [[(style["name"], style["place"]) for style in p["styles"]] for p in listed]
    assert held == [[("dusk", 0)], [("night", 0), ("wave", 3)]]
    samples = [style["sample"] for p in listed for style in p["styles"]]
    assert len(set(samples)) == 3
    assert all(sample.startswith("data:image/png;base64,") for sample in samples)
    session = onnxruntime.InferenceSession(programs[1])
    mixture = torch.tensor([0.0, 0.0, 0.0, 2.0]).numpy()
    [found] = session.run(None, {"photos": torch.rand(1, 3, 16, 16).numpy(), "mixture": mixture})
    assert found.shape == (1, 3, 16, 16)


def test_a_file_that_is_no_style_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"a\.safetensors is not a readable"):
        write_programs([tmp_path / "a.safetensors"], tmp_path / "web")
