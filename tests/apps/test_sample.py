import pytest
import torch

from faststyle.apps.sample import sample_picture


@pytest.mark.parametrize("size", [24, 96, 200])
def test_the_sample_has_the_size_and_the_colors_of_a_landscape(size: int) -> None:
    picture = sample_picture(size)
    assert picture.shape == (3, size, size)
    assert picture.dtype == torch.uint8
    red, _, blue = picture[:, : size // 20, :].float().mean((1, 2))
    assert blue > 1.5 * red, "sky above"
    red, green, blue = picture[:, -size // 20 :, :].float().mean((1, 2))
    assert green > max(red, blue), "grass below"
