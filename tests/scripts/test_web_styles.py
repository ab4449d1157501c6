import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.export import ExportOptions
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, write_style
from faststyle.styles.exporting import export
from scripts import web_styles
from scripts.web_styles import write_programs
from tests.several import several_styles


def test_each_file_becomes_a_program_and_all_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # For the size of what the card is tried with: the page's own test has photos of others.
    def export_fixed(style: TrainedStyle, path: Path, options: ExportOptions) -> None:
        export(style, path, options=replace(options, sizes=(16, 16)))

    monkeypatch.setattr(web_styles, "export", export_fixed)
    one, several = tmp_path / "one.safetensors", tmp_path / "several.safetensors"
    write_style(TrainedStyle(TransformNetwork(2, 0), StyleMetadata("dusk")), one)
    write_style(several_styles(), several)
    folder = tmp_path / "web" / "styles"
    programs = write_programs([one, several], folder)
    assert [program.name for program in programs] == ["one.onnx", "several.onnx"]
    about = json.loads((folder / "styles.json").read_text())
    assert about["engine"] == "browser"
    listed = about["programs"]
    assert [(p["name"], p["weights"]) for p in listed] == [("one", 0), ("several", 4)]
    for listed_one, program in zip(listed, programs, strict=True):
        run, content = listed_one["run"], program.read_bytes()
        assert run["bytes"] == len(content)
        assert run["address"].startswith(f"styles/{program.name}?")
        assert run["address"].endswith(hashlib.sha256(content).hexdigest()[:16])
    assert [[style["name"] for style in p["styles"]] for p in listed] == [
        ["dusk"],
        ["night", "wave"],
    ]
    assert Image.open(folder / "example.jpg").format == "JPEG"
    assert "MIT License" in (folder / "license.txt").read_text()
    session = onnxruntime.InferenceSession(programs[1])
    mixture = np.array([1, 0, 0, 0], np.float32)
    values = (np.arange(3 * 16 * 16, dtype=np.float32) * 7 % 32) / 31
    [found] = session.run(None, {"photos": values.reshape(1, 3, 16, 16), "mixture": mixture})
    assert np.abs(found.ravel() - listed[1]["run"]["probe"]).max() < 1e-3, (
        "what the card is tried with"
    )


def test_a_small_network_is_the_quick_one_of_its_style(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Exporting takes long, and is tried above.
    monkeypatch.setattr(web_styles, "export", lambda _, path, **__: path.write_bytes(b"12345"))
    files = [tmp_path / f"{name}.safetensors" for name in ("a", "a_small", "b_small")]
    for file in files:
        write_style(TrainedStyle(TransformNetwork(2, 0)), file)
    write_programs(files, tmp_path)
    listed = json.loads((tmp_path / "styles.json").read_text())["programs"]
    assert [program["name"] for program in listed] == ["a", "b_small"]
    assert listed[0]["quick"]["run"]["address"].startswith("styles/a_small.onnx?")
    assert listed[0]["quick"]["run"]["bytes"] == 5
    assert "quick" not in listed[1], "there is no fine one"


def test_a_file_that_is_no_style_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"a\.safetensors is not a readable"):
        write_programs([tmp_path / "a.safetensors"], tmp_path / "web")
