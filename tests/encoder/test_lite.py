from importlib.resources import as_file, files
from pathlib import Path

import pytest
import torch

from faststyle.core.assets import bundled_file
from faststyle.core.errors import UserError
from faststyle.encoder import LiteEncoder, VGGEncoder
from faststyle.images.files import load_picture
from faststyle.images.pixels import resize
from faststyle.losses import PerceptualLoss, StyleImage
from faststyle.networks.lite_features import HEADS


@pytest.fixture(scope="module")
def lite() -> LiteEncoder:
    torch.manual_seed(0)
    return LiteEncoder("random")


@pytest.mark.parametrize("size", [(64, 48), (33, 17), (1, 1), (2, 9)])
def test_features_have_the_shapes_of_vgg19s(lite: LiteEncoder, size: tuple[int, int]) -> None:
    picture = torch.rand(2, 3, *size)
    expected = VGGEncoder("vgg19", "random")(picture, HEADS)
    found = lite(picture, HEADS)
    assert {k: v.shape for k, v in found.items()} == {k: v.shape for k, v in expected.items()}
    assert all(value.min() >= 0 for value in found.values())


def test_it_runs_no_deeper_than_asked(lite: LiteEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite.stages[1], "forward", lambda _: pytest.fail("too deep"))
    assert list(lite(torch.rand(1, 3, 8, 8), ["relu1_2", "input"])) == ["input", "relu1_2"]


def test_a_layer_that_is_not_predicted_is_named(lite: LiteEncoder) -> None:
    with pytest.raises(UserError, match=r'no layer "relu4_2": did you mean'):
        lite.check_layers(["relu4_2"])


def test_frozen_weights_are_neither_trained_nor_saved(lite: LiteEncoder) -> None:
    assert list(lite.parameters()) == []
    assert lite.state_dict() == {}
    assert len(list(LiteEncoder("random", frozen=False).parameters())) > 20


def test_it_fits_the_default_loss(lite: LiteEncoder) -> None:
    style = dict.fromkeys(HEADS, 1.0)
    loss = PerceptualLoss(lite, {"relu3_3": 1.0}, style)
    loss.set_style([StyleImage(torch.rand(3, 32, 32))])
    photos = torch.rand(2, 3, 32, 32)
    terms = loss(photos, loss.targets(photos))
    assert terms.content == 0
    assert terms.style > 0


def test_other_weights_are_refused(tmp_path: Path) -> None:
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(UserError, match="no weights of the lite encoder"):
        LiteEncoder(str(tmp_path / "a.pth"))
    with pytest.raises(UserError, match="no such weights file"):
        LiteEncoder("nowhere.safetensors")


def test_the_weights_that_ship_are_small() -> None:
    assert len(bundled_file("lite_encoder.safetensors").read_bytes()) < 2 * 2**20


def test_the_network_that_ships_sees_what_vgg19_sees(real_vgg19: Path) -> None:
    teacher = VGGEncoder("vgg19", str(real_vgg19), unit_activations=True)
    with as_file(files("skimage") / "data" / "astronaut.png") as path:
        photo = resize(load_picture(path).pixels, 224)[None]
    given, found = teacher(photo, HEADS), LiteEncoder()(photo, HEADS)
    allowed = {"relu1_2": 0.15, "relu2_2": 0.4, "relu3_3": 0.4, "relu4_3": 0.75}
    for layer, error in allowed.items():
        distance = (found[layer] - given[layer]).square().sum() / given[layer].square().sum()
        assert distance < error, layer
