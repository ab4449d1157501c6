from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from faststyle.core.errors import UserError
from faststyle.encoder import VGGEncoder
from faststyle.images.files import load_picture
from faststyle.images.metrics import psnr
from faststyle.optimization.views import (
    feature_grid,
    heat_map,
    invert,
    look,
    write_tensorboard,
)


def test_the_strongest_maps_are_shown_each_up_to_its_own_largest() -> None:
    features = torch.zeros(3, 4, 4)
    features[0, 1, 1], features[2, 2, 2] = 5, 1  # the map between is dead
    grid = feature_grid(features, 2)
    assert grid.shape == (3, 1 + 5, 1 + 2 * 5)  # a margin of one pixel around each
    assert grid[0, 1 + 1, 1 + 1] == 1
    assert grid[0, 1 + 2, 6 + 2] == 1
    assert grid[0, 1:5, 1:5].sum() == 1


def test_dead_maps_are_black_and_not_undefined() -> None:
    assert feature_grid(torch.zeros(2, 3, 3), 64).isfinite().all()


def test_a_gram_matrix_shows_four_decades_with_the_most_energy_first() -> None:
    gram = torch.diag(torch.tensor([1e-2, 1.0, 1e-9]))
    colors = heat_map(gram)
    assert colors.shape == (3, 3, 3)
    brightness = colors.mean(0)
    assert brightness[0, 0] > brightness[1, 1] > brightness[2, 2]
    assert torch.equal(colors[:, 2, 2], colors[:, 0, 1])
    assert heat_map(torch.zeros(2, 2)).isfinite().all()


def test_every_view_of_every_layer_is_made_once(encoder: VGGEncoder) -> None:
    photo = torch.rand(3, 32, 40)
    layers = ["relu1_1", "relu3_1"]
    views = look(encoder, layers, photo, style=photo, invert=lambda _: photo)
    assert list(views) == layers
    kinds = ["feature maps", "Gram matrix of the style", "recovered, inf dB of the photo"]
    assert list(views["relu1_1"]) == kinds


def test_an_unknown_layer_is_named(encoder: VGGEncoder) -> None:
    with pytest.raises(UserError, match="did you mean"):
        look(encoder, ["relu1_9"], torch.rand(3, 8, 8))


def test_tensorboard_holds_the_same_views(encoder: VGGEncoder, tmp_path: Path) -> None:
    write_tensorboard(look(encoder, ["relu1_1"], torch.rand(3, 16, 16)), tmp_path)
    events = EventAccumulator(str(tmp_path)).Reload()
    assert events.Tags()["images"] == ["relu1_1/feature maps"]


def test_a_shallow_layer_of_any_network_gives_the_photo_back(
    encoder: VGGEncoder, tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    photo = load_picture(make_photo(tmp_path / "a.png", 24, 24)).pixels
    assert psnr(invert(encoder, "relu1_1", photo, iterations=60), photo) > 25


@pytest.mark.slow
def test_deeper_layers_keep_less_of_the_pixels(
    real_vgg19: Path, tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    photo = load_picture(make_photo(tmp_path / "a.png", 48, 48)).pixels
    encoder = VGGEncoder("vgg19", str(real_vgg19)).to(memory_format=torch.channels_last)
    kept = [
        psnr(invert(encoder, layer, photo, iterations=60), photo)
        for layer in ("relu1_2", "relu3_1", "relu4_2")
    ]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] > 25 > kept[2]
