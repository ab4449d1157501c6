"""Colors that nobody sees, or hardly, reach no network."""

import pytest
import torch

from faststyle.images.pixels import Picture, to_unit


@pytest.mark.parametrize("is_float", [False, True])
def test_colors_that_are_fainter_than_a_sixty_fourth_are_white(is_float: bool) -> None:
    alpha = torch.tensor([[[0, 1, 3, 4, 16, 255]]], dtype=torch.uint8)
    pixels = torch.tensor([200, 30, 0], dtype=torch.uint8).view(3, 1, 1).expand(3, 1, 6)
    given = Picture(pixels, alpha)
    if is_float:
        given = Picture(to_unit(pixels), to_unit(alpha))
    found = given.without_hidden()
    white = 1 if is_float else 255
    assert (found.pixels[..., :3] == white).all()
    assert torch.equal(found.pixels[..., 3:], given.pixels[..., 3:])
    assert given.pixels.flatten()[0] != white, "what is given stays as it is"


@pytest.mark.parametrize("opacity", [0, 1, 3])
def test_what_looks_the_same_is_the_same_to_a_network(opacity: int) -> None:
    """Noise behind an alpha of up to 3 of 255 is at most three levels of what is seen."""
    noise = torch.randint(0, 256, (3, 20, 20), generator=torch.Generator().manual_seed(0)).byte()
    alpha = torch.full((1, 20, 20), opacity, dtype=torch.uint8)
    found = Picture(noise, alpha).without_hidden().pixels
    assert found.float().std() == 0
