from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig

from faststyle.config.compose import compose_config
from faststyle.core.errors import UserError
from faststyle.evaluation.report import evaluate, table
from faststyle.evaluation.stability import MOTIONS
from faststyle.images.files import save_picture
from faststyle.images.pixels import Picture
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, read_style, write_style
from faststyle.training.style.task import train
from tests.several import several_styles

RANDOM = ["encoder=vgg11", "encoder.weights=random"]
LOSS = {"content": {"relu2_1": 1.0}, "style": {"relu1_1": 2.0}, "style_weight": 3.0}
METADATA = StyleMetadata("flow_field", loss=LOSS)


def composed(overrides: list[str]) -> DictConfig:
    return compose_config("train", [*overrides, "style.size=32"])


def test_a_style_trained_with_weights_by_a_rule_can_be_measured(
    tmp_path: Path, photo_folder: Path
) -> None:
    encoder = ["encoder=vgg16", "encoder.weights=random"]
    small = ["experiment=smoke", "~loss.style.relu4_1", "~loss.style.relu5_1"]
    once = ["trainer.max_steps=1", "+trainer.enable_progress_bar=false"]
    places = [f"output_dir={tmp_path}", f"export.path={tmp_path / 'flow.safetensors'}"]
    choice = ["loss=novak_nikulin", *encoder]
    path = train(compose_config("train", [*small, *choice, *once, *places]))
    assert path is not None
    described = read_style(path).metadata.loss
    assert described["style"]["relu4_1"] == 2**-5
    assert described["content"]["relu1_2"] == 0.5
    result = evaluate(composed, str(path), photo_folder, [64], 1, [], overrides=encoder)
    assert result["64"]["network"]["style"] > 0


def test_figures_for_every_size_and_a_table(tmp_path: Path, photo_folder: Path) -> None:
    torch.manual_seed(0)
    path = tmp_path / "flow.safetensors"
    write_style(TrainedStyle(TransformNetwork(width=2, blocks=1), METADATA), path)
    arguments = (str(path), photo_folder, [64, 96], 2, [1, 3])
    result = evaluate(composed, *arguments, "noise", RANDOM)
    for size in ("64", "96"):
        found = result[size]
        assert found["photo"]["content"] == pytest.approx(0, abs=1e-6)
        assert found["optimized"]["3"]["loss"] < found["optimized"]["1"]["loss"]
        assert len(found["equal_iterations"]) == 2
        assert "checkerboard_db" in found["artifacts"]
        assert ("flicker" in found["artifacts"]) == (size == "96"), "nothing is far from the edges"
        assert found["clips"].keys() == MOTIONS.keys()
        assert all(clip["gray_levels"] > 0 for clip in found["clips"].values())
        for name in ("standing", "pan"):
            clip = found["clips"][name]
            assert 0 <= clip["smooth_gray_levels"] < clip["gray_levels"]
            assert clip["smooth_style"] == pytest.approx(clip["style"], rel=0.3)
        assert {"content/relu4_2", "style/relu1_1", "style/relu5_1"} <= found["gatys"].keys()
        assert len(found["patches"]) == 1, "the painting is 32 pixels high"
        looks = found["appearance"]
        assert -1 <= looks["layout"] <= 1
        assert looks["cfsd"] > 0
    lines = table(result).splitlines()
    assert lines[0] == "flow_field, 2 held-out photos"
    assert sum("one pass equals iteration" in line for line in lines) == 2
    assert sum("L-BFGS 3 " in line for line in lines) == 2
    assert sum("layers of Gatys" in line for line in lines) == 2
    assert sum("patches from the painting's, at scale 1/1 0." in line for line in lines) == 2
    for name in ("contrast", "saturation", "layout", "frame", "cfsd"):
        assert sum(line.startswith(f"  {name}: ") for line in lines) == 2


def test_flat_surfaces_are_looked_at_where_a_photo_has_any(tmp_path: Path) -> None:
    write_style(
        TrainedStyle(TransformNetwork(width=2, blocks=1), METADATA), tmp_path / "flow.safetensors"
    )
    kinds = {"flat": torch.full((3, 64, 64), 0.4), "busy": torch.rand(3, 64, 64)}
    for name, pixels in kinds.items():
        (tmp_path / name).mkdir()
        for number in range(2):
            save_picture(Picture(pixels), tmp_path / name / f"{number}.png")
    flat, busy = (
        evaluate(
            composed,
            str(tmp_path / "flow.safetensors"),
            tmp_path / name,
            [64],
            1,
            [],
            overrides=RANDOM,
        )
        for name in kinds
    )
    assert {"flat_grid_db", "flat_one_direction", "flat_spread"} <= flat["64"]["artifacts"].keys()
    assert "flat_grid_db" not in busy["64"]["artifacts"]


def test_what_cannot_be_measured_is_left_out(
    tmp_path: Path, photo_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = {"content": {"relu2_2": 1.0}, "style": {"relu1_2": 1.0}}
    path = tmp_path / "flow.safetensors"
    write_style(
        TrainedStyle(TransformNetwork(width=2, blocks=0), StyleMetadata("flow_field", loss=layers)),
        path,
    )
    monkeypatch.setattr("faststyle.evaluation.report.MIN_SIDE", 33)  # the painting has 32
    overrides = ["encoder=lite"]  # which has four layers
    result = evaluate(composed, str(path), photo_folder, [64], 1, [], overrides=overrides)
    assert result["64"]["gatys"] == {}
    assert result["64"]["patches"] == []
    assert "cfsd" not in result["64"]["appearance"]
    assert "Gatys" not in table(result)
    assert "patches" not in table(result)


def test_measuring_stylizes_as_a_user_would(tmp_path: Path, photo_folder: Path) -> None:
    network = TransformNetwork(width=2, blocks=0)
    path = tmp_path / "flow.safetensors"
    write_style(TrainedStyle(network, METADATA), path)
    result = evaluate(composed, str(path), photo_folder, [64], 1, [], overrides=RANDOM)
    assert result["64"]["optimized"] == {}
    assert result["64"]["network"]["loss"] > 0


def test_a_mixture_has_no_painting_to_compare_it_with(tmp_path: Path, photo_folder: Path) -> None:
    path = tmp_path / "all.safetensors"
    write_style(several_styles(), path)
    with pytest.raises(UserError, match="is a mixture: pass a single painting"):
        evaluate(composed, f"{path}:night=1,wave=1", photo_folder, [64], 1, [])
