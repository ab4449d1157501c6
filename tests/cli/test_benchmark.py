import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from faststyle.cli.main import main
from tests.commands import run_command


def benchmark(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run_command("benchmark", *arguments)


@pytest.mark.slow
def test_training_is_measured_against_the_reference_with_its_loss_curves(tmp_path: Path) -> None:
    # In smaller photos a few features make the loss, and rounding changes their gradients' signs.
    options = ["--rounds", "2", "--size", "64", "--network", "small", "--precision", "32"]
    files: list[str | Path] = ["--json", tmp_path / "a.json", "--plot", tmp_path / "a.png"]
    result = benchmark("train", "--against", "reference", *options, *files)
    assert (result.returncode, result.stderr) == (0, "")
    report = json.loads((tmp_path / "a.json").read_text())
    (run,) = report["runs"]
    assert set(run["results"]) == {"reference", "faststyle float32"}
    assert run["losses"]["faststyle float32"] == pytest.approx(run["losses"]["reference"], rel=0.02)
    encoder = run["results"]["reference"]["stages"]["encoder"]
    assert 0 < encoder["of_peak_macs"] < 2
    assert (tmp_path / "a.png").stat().st_size > 1000
    assert "times" in result.stdout


@pytest.mark.slow
def test_stylizing_several_sizes_gives_the_curve_of_costs(tmp_path: Path) -> None:
    options = ["--rounds", "1", "--size", "32", "32x64", "--network", "small", "--precision", "32"]
    files: list[str | Path] = ["--json", tmp_path / "a.json", "--plot", tmp_path / "a.png"]
    result = benchmark("infer", "--against", "reference", *options, *files)
    assert (result.returncode, result.stderr) == (0, "")
    runs = json.loads((tmp_path / "a.json").read_text())["runs"]
    assert [run["pixels"] for run in runs] == [32 * 32, 32 * 64]
    ours = runs[1]["results"]["faststyle float32"]
    assert ours["mean_difference_255"] < 0.1
    assert ours["ssim"] > 0.99
    assert (tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.slow
def test_stylizing_is_measured_against_other_runtimes(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    runtimes = ["onnxruntime", *(["openvino"] if find_spec("openvino") else [])]
    options = ["--rounds", "1", "--size", "32x64", "--network", "small", "--precision", "32"]
    result = benchmark("infer", "--against", *runtimes, *options, "--json", tmp_path / "a.json")
    assert (result.returncode, result.stderr) == (0, "")
    (run,) = json.loads((tmp_path / "a.json").read_text())["runs"]
    assert set(run["results"]) == {*runtimes, "faststyle float32"}
    for measured in run["results"].values():
        assert measured["mean_difference_255"] < 0.1
        assert measured["memory_bytes"] > 0


@pytest.mark.slow
def test_loading_photos_is_measured_on_the_users_folder(photo_folder: Path, tmp_path: Path) -> None:
    options: list[str | Path] = ["--rounds", "1", "--size", "32", "48", "--photos", photo_folder]
    files: list[str | Path] = ["--json", tmp_path / "a.json", "--plot", tmp_path / "a.png"]
    result = benchmark("data", *options, *files)
    assert (result.returncode, result.stderr) == (0, "")
    runs = json.loads((tmp_path / "a.json").read_text())["runs"]
    assert [run["photos"] for run in runs] == [4, 4]
    assert runs[0]["results"]["faststyle"]["pictures_per_second"] > 0
    assert (tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.slow
def test_the_start_of_the_commands_is_measured_apart_from_torchs_import() -> None:
    result = benchmark("start", "--rounds", "1")
    assert (result.returncode, result.stderr) == (0, "")
    names = ["import torch", "faststyle --help", "faststyle stylize, 64 x 64"]
    assert all(any(line.startswith(name) for line in result.stdout.splitlines()) for name in names)


def test_a_wrong_choice_is_one_clear_line() -> None:
    result = benchmark("data", "--photos", "nowhere")
    assert result.returncode == 2
    assert "no such photo folder" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "extra"),
    [("benchmark", "benchmark"), ("distill", "train"), ("train-classifier", "train")],
)
def test_where_there_is_no_clone_it_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    extra: str,
) -> None:
    monkeypatch.setattr("faststyle.__file__", str(tmp_path / "site" / "faststyle" / "__init__.py"))
    monkeypatch.setattr(sys, "argv", ["faststyle", name])
    with pytest.raises(SystemExit):
        main()
    said = f'error: faststyle {name} is for a clone, with pip install -e ".[{extra}]"\n'
    assert capsys.readouterr().err == said
