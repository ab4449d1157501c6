"""Colors that nobody sees, or hardly, reach no network."""

import pytest
import torch

from faststyle.pictures.picture import FAINT, Picture
from faststyle.pictures.pixels import to_unit


@pytest.mark.parametrize("is_float", [False, True])
def test_colors_fade_to_white_with_their_opacity(is_float: bool) -> None:
    alpha = torch.tensor([[[0, 1, 8, 15, 16, 128, 255]]], dtype=torch.uint8)
    pixels = torch.tensor([200, 30, 0], dtype=torch.uint8).view(3, 1, 1).expand(3, 1, 7)
    given = Picture(pixels, alpha)
    if is_float:
        given = Picture(to_unit(pixels), to_unit(alpha))
    found = given.without_hidden().pixels
    share = (alpha.double() / 255 / FAINT).clamp(max=1)
    expected = share * pixels + (1 - share) * 255
    torch.testing.assert_close(
        found.double() * (255 if is_float else 1), expected, rtol=0, atol=1e-4 if is_float else 0.5
    )
    assert given.pixels.flatten()[0] != found.flatten()[0], "what is given stays as it is"


@pytest.mark.parametrize("opacity", [0, 1, 2])
def test_what_looks_the_same_is_the_same_to_a_network(opacity: int) -> None:
    """Noise behind an alpha of 1 or 2 of 255 is at most a level or two of what is seen."""
    noise = torch.randint(0, 256, (3, 20, 20), generator=torch.Generator().manual_seed(0)).byte()
    alpha = torch.full((1, 20, 20), opacity, dtype=torch.uint8)
    found = Picture(noise, alpha).without_hidden().pixels
    assert found.float().std() < 0.2 * noise.float().std()
