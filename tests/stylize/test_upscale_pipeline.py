import pytest
import torch

from faststyle.core.errors import UserError
from faststyle.images.pixels import Picture
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.stylize.options import RenderOptions
from faststyle.stylize.stylizer import Stylizer
from faststyle.stylize.upscaler import StylizeThenUpscale, Upscaler
from tests.upscalers import upscaler_style


@pytest.fixture
def stylizer() -> Stylizer:
    torch.manual_seed(0)
    network = TransformNetwork(width=2, blocks=0).eval().requires_grad_(False)
    metadata = StyleMetadata("mine").of_network(network)
    return Stylizer(TrainedStyle(network, metadata), device="cpu")


@pytest.fixture
def four() -> Upscaler:
    return Upscaler(upscaler_style(4), device="cpu")


@pytest.fixture
def photo() -> Picture:
    pixels = torch.randint(0, 256, (3, 40, 52), dtype=torch.uint8)
    return Picture(pixels, alpha=torch.randint(0, 256, (1, 40, 52), dtype=torch.uint8))


def test_the_result_is_that_of_painting_and_of_enlarging_one_after_the_other(
    stylizer: Stylizer, four: Upscaler, photo: Picture
) -> None:
    options = RenderOptions(size=32, strength=0.7, color="hist")
    [result] = StylizeThenUpscale(stylizer, four).process([photo], options)
    [expected] = four.process(stylizer.process([photo], options))
    assert result.pixels.shape == (3, 128, 168)
    torch.testing.assert_close(result.pixels, expected.pixels, rtol=0, atol=0)
    assert result.alpha is not None
    assert expected.alpha is not None
    torch.testing.assert_close(result.alpha, expected.alpha, rtol=0, atol=0)


def test_it_is_called_by_both_and_its_factors_multiply(stylizer: Stylizer, four: Upscaler) -> None:
    both = StylizeThenUpscale(stylizer, four)
    assert (both.name, both.factor) == ("mine-x4", 4)


def test_16_bits_stay_so(stylizer: Stylizer, four: Upscaler, photo: Picture) -> None:
    [result] = StylizeThenUpscale(stylizer, four).process([photo.with_depth(16)])
    assert result.pixels.is_floating_point()
    assert (result.pixels * 255 % 1 != 0).any()


def test_a_result_that_would_be_too_large_is_refused_before_painting(
    stylizer: Stylizer, four: Upscaler, photo: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_network(*_: object) -> None:
        raise AssertionError("it was painted")

    monkeypatch.setattr(stylizer, "process", run_network)
    with pytest.raises(UserError, match="52 x 40 pixels would become 208 x 160"):
        StylizeThenUpscale(stylizer, four).process([photo], RenderOptions(max_pixels=10_000))
