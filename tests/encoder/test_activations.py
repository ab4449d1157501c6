from pathlib import Path

import pytest
import torch

from faststyle.core.errors import UserError
from faststyle.encoder import VGGEncoder

MEAN = [0.485, 0.456, 0.406]


def _saved(path: Path, factor: float = 1.0, seed: int = 0, arch: str = "vgg11") -> str:
    state = dict(VGGEncoder(arch, "random", seed=seed).features.named_buffers())
    torch.save(state | {"0.weight": state["0.weight"] * factor}, path)
    return str(path)


@pytest.mark.parametrize("arch", ["vgg11", "vgg16", "vgg19_bn"])
def test_weights_for_these_pixels_are_taken_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, arch: str
) -> None:
    VGGEncoder(arch, _saved(tmp_path / "a.pth", arch=arch))
    assert not caplog.records


@pytest.mark.parametrize("factor", [57, 1 / 57])
def test_weights_for_other_pixels_are_told_by_their_features(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, factor: float
) -> None:
    path = _saved(tmp_path / "a.pth", factor=factor**2 if factor > 1 else factor)
    VGGEncoder("vgg11", path)
    [record] = caplog.records
    assert f"{path}: on a made-up picture its features are" in record.message
    assert "are they for other pixels? See encoder.mean" in record.message


@pytest.mark.parametrize("deviation", [1.0, 0.225 * 57, 0.225 / 57])
def test_wrong_deviations_of_real_weights_are_told(
    real_vgg19: Path, caplog: pytest.LogCaptureFixture, deviation: float
) -> None:
    VGGEncoder("vgg19", str(real_vgg19))
    assert not caplog.records
    VGGEncoder("vgg19", str(real_vgg19), mean=MEAN, std=[deviation] * 3)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("factor", [float("nan"), float("inf"), 0.0])
def test_weights_without_features_are_refused(tmp_path: Path, factor: float) -> None:
    with pytest.raises(UserError, match="on a made-up picture its features are"):
        VGGEncoder("vgg11", _saved(tmp_path / "a.pth", factor=factor))
