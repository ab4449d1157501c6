from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from faststyle.encoder import VGGEncoder
from faststyle.images.files import load_picture
from faststyle.images.metrics import psnr
from faststyle.optimization.inversion import invert


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
