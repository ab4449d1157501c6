from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.data.degradation import degrade
from faststyle.data.folder import PhotoFolder, find_photos, split
from faststyle.encoder import LiteEncoder
from faststyle.evaluation.enlargement import (
    evaluate_enlarger,
    fidelity,
    perceptual_distance,
    table,
)
from faststyle.images.pillow import to_array
from faststyle.images.pixels import to_unit
from tests.upscalers import write_upscaler


def test_brightness_is_that_of_video_and_borders_do_not_count() -> None:
    generator = torch.Generator().manual_seed(0)
    truth, made = torch.rand(2, 3, 32, 32, generator=generator)
    made[:, 4:-4, 4:-4] = truth[:, 4:-4, 4:-4] * 0.9
    found = fidelity(made, truth, 4, LiteEncoder())
    inner = truth[:, 4:-4, 4:-4].double()
    luma = (65.481 * inner[0] + 128.553 * inner[1] + 24.966 * inner[2]) / 255
    expected = -10 * torch.log10((0.1 * luma).square().mean())
    assert found["psnr"] == pytest.approx(expected.item(), abs=1e-3)


def test_edges_are_their_energy_in_parts_of_the_truths() -> None:
    truth = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    flat = 0.5 + 0.8 * (truth - 0.5)
    assert fidelity(flat, truth, 4, LiteEncoder())["edges"] == pytest.approx(0.64, rel=1e-4)


def test_distance_is_of_directions_of_features_at_layers_that_are_not_trained_on() -> None:
    a, b = torch.rand(2, 1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    encoder = LiteEncoder()
    expected = []
    for layer in ("relu1_2", "relu3_3", "relu4_3"):
        one, other = (encoder(each, [layer])[layer].double() for each in (a, b))
        # |u - v|^2 = 2 - 2 cos, where both have length 1
        expected.append((2 - 2 * torch.cosine_similarity(one, other)).mean().item())
    found = perceptual_distance(a, b, encoder)
    assert found == pytest.approx(sum(expected) / 3, rel=1e-4)
    assert perceptual_distance(a, a, encoder) == 0


def test_photos_that_were_held_out_are_enlarged_in_each_way(
    tmp_path: Path, photo_folder: Path
) -> None:
    path = write_upscaler(tmp_path / "x4.safetensors")
    result = evaluate_enlarger(str(path), photo_folder, [64], 1)
    _, [held_out] = split(find_photos(photo_folder), photo_folder, 1)
    truth = to_unit(PhotoFolder([held_out], 64).center_crop(0))
    small = Image.fromarray(to_array(degrade(truth[None], 4)[0]))
    for name, kernel in (("bicubic", Image.BICUBIC), ("lanczos", Image.LANCZOS)):  # type: ignore[attr-defined]
        enlarged = np.asarray(small.resize((64, 64), kernel)) / np.float32(255)
        expected = fidelity(torch.from_numpy(enlarged).permute(2, 0, 1), truth, 4, LiteEncoder())
        assert result["64"][name] == pytest.approx(dict(expected), rel=1e-5)
    assert "lanczos" in table(result)


def test_a_side_that_the_factor_does_not_divide_is_refused(
    tmp_path: Path, photo_folder: Path
) -> None:
    path = write_upscaler(tmp_path / "x8.safetensors", 8)
    with pytest.raises(UserError, match="--size 100 must be a multiple of 8"):
        evaluate_enlarger(str(path), photo_folder, [100], 1)
