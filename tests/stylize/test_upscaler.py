from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.images.pixels import Picture
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.stylize import passes
from faststyle.stylize.options import RenderOptions, UpscaleOptions
from faststyle.stylize.regions import Regions
from faststyle.stylize.stylizer import Stylizer
from faststyle.stylize.upscaler import Upscaler
from tests.upscalers import upscaler_style, write_upscaler

WHOLE = RenderOptions(tile="off")


@pytest.fixture
def four() -> Upscaler:
    return Upscaler(upscaler_style(4), device="cpu")


def noise(height: int, width: int, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(channels, height, width, generator=generator)


def as_bytes(pixels: torch.Tensor) -> torch.Tensor:
    return (pixels * 255).round().to(torch.uint8)


def pillows(channel: torch.Tensor) -> torch.Tensor:
    """Pillow's bicubic enlargement by 4 of (H, W) in [0, 1]."""
    height, width = channel.shape
    image = Image.fromarray(channel.numpy())
    scaled = image.resize((4 * width, 4 * height), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(scaled)).clamp(0, 1)


def test_a_picture_becomes_what_the_network_makes_of_it(four: Upscaler) -> None:
    pixels = noise(19, 22)
    [result] = four.process([Picture(pixels)], WHOLE)
    torch.testing.assert_close(result.pixels, four.network(pixels[None])[0].clamp(0, 1))


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize("size", [(100, 75), (33, 130), (38, 38)])
def test_squares_make_the_picture_that_one_pass_makes(factor: int, size: tuple[int, int]) -> None:
    made = Upscaler(upscaler_style(factor, blocks=2), device="cpu")
    picture = Picture(noise(*size))
    calls: list[tuple[int, int]] = []

    def call(done: int, total: int) -> None:
        calls.append((done, total))

    [whole] = made.process([picture], WHOLE, call)
    assert calls == []
    [squares] = made.process([picture], RenderOptions(tile=34), call)
    torch.testing.assert_close(squares.pixels, whole.pixels, rtol=0, atol=2e-6)
    total = -(-size[0] // 36) * -(-size[1] // 36)
    assert calls == [(done, total) for done in range(1, total + 1)]


def test_squares_of_bytes_are_those_of_the_whole_but_for_rounding(four: Upscaler) -> None:
    picture = Picture(as_bytes(noise(70, 40)))
    results = [
        four.process([picture], options)[0].pixels for options in (WHOLE, RenderOptions(tile=32))
    ]
    assert results[0].dtype == torch.uint8
    assert (results[0].int() - results[1].int()).abs().max() <= 1


def test_auto_takes_squares_where_a_picture_would_not_fit(
    four: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "free_memory", lambda _: 0)
    calls: list[int] = []
    four.process([Picture(noise(130, 10))], progress=lambda _, total: calls.append(total))
    assert calls == [2, 2]


def test_transparency_is_enlarged_bicubically_and_the_profile_kept(four: Upscaler) -> None:
    alpha = noise(12, 9, channels=1)
    [result] = four.process([Picture(noise(12, 9), alpha, b"profile")], WHOLE)
    assert result.alpha is not None
    torch.testing.assert_close(result.alpha[0], pillows(alpha[0]), rtol=0, atol=1e-5)
    assert result.icc_profile == b"profile"


def test_no_strength_is_pillows_bicubic_enlargement(four: Upscaler) -> None:
    pixels = noise(12, 9)
    [result] = four.process([Picture(pixels)], RenderOptions(strength=0))
    expected = torch.stack([pillows(channel) for channel in pixels])
    torch.testing.assert_close(result.pixels, expected, rtol=0, atol=1e-5)


def test_details_can_be_made_stronger_than_the_networks(four: Upscaler) -> None:
    picture = Picture(0.25 + noise(12, 9) / 2)
    none, whole, more = (
        four.process([picture], UpscaleOptions(strength=strength))[0].pixels
        for strength in (0, 1, 1.5)
    )
    expected = (none + 1.5 * (whole - none)).clamp(0, 1)
    torch.testing.assert_close(more, expected, rtol=0, atol=1e-5)


def test_a_strength_beyond_twice_the_networks_is_refused() -> None:
    with pytest.raises(UserError, match=r"strength is 2\.1; it must lie between 0 and 2"):
        UpscaleOptions(strength=2.1)


def test_the_histogram_of_the_result_can_be_that_of_the_photo() -> None:
    trained = upscaler_style(4)
    torch.nn.init.constant_(trained.network.head.bias, 0.2)  # type: ignore[arg-type, union-attr]
    made, picture = Upscaler(trained, device="cpu"), Picture(0.2 + 0.3 * noise(24, 24))
    [bright] = made.process([picture])
    [matched] = made.process([picture], RenderOptions(color="hist"))
    expected = torch.stack([pillows(channel) for channel in picture.pixels]).mean()
    assert bright.pixels.mean() - expected > 0.1
    assert abs(matched.pixels.mean() - expected) < 0.005


@pytest.mark.parametrize("tile", ["off", 32])
def test_16_bits_are_not_rounded_on_their_way(four: Upscaler, tile: int | str) -> None:
    ramp = torch.linspace(0.4, 0.6, 40).expand(3, 40, 40).contiguous()
    [result] = four.process([Picture(ramp, bit_depth=16)], RenderOptions(tile=tile))
    assert result.bit_depth == 16
    assert len(set(result.pixels[0, 80].tolist())) > 100
    [deep] = four.process([Picture(as_bytes(ramp)).with_depth(16)], RenderOptions(tile=tile))
    assert (deep.bit_depth, deep.pixels.dtype) == (16, torch.float32)


def test_what_nobody_sees_does_not_show_in_the_rest(four: Upscaler) -> None:
    alpha = torch.zeros(1, 16, 16)
    alpha[..., :8] = 1
    pictures = [noise(16, 16), noise(16, 16)]
    pictures[1][..., 8:] = 0
    results = [four.process([Picture(pixels, alpha)])[0].pixels for pixels in pictures]
    assert torch.equal(*results)


@pytest.mark.parametrize(
    ("size", "options", "message"),
    [
        ((3, 40), RenderOptions(), "40 x 3 pixels are too few to be enlarged: 4 a side"),
        (
            (1001, 1001),
            WHOLE,
            "1,001 x 1,001 pixels would become 4,004 x 4,004, 16.0 megapixels,"
            " more than the limit of 16.0: pass --tile auto",
        ),
        ((10, 10), RenderOptions(max_pixels=1599), "limit of 0.0: raise --max-pixels"),
        ((4000, 4000), RenderOptions(), "limit of 179.0: raise --max-pixels"),
    ],
)
def test_sizes_out_of_range_are_refused_before_any_work(
    four: Upscaler, size: tuple[int, int], options: RenderOptions, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        four.process([Picture(torch.zeros(1, 1, 1, dtype=torch.uint8).expand(3, *size))], options)


def test_a_style_is_no_upscaler_and_an_upscaler_no_style(tmp_path: Path) -> None:
    style = TrainedStyle(TransformNetwork(2, 0), StyleMetadata("night"))
    with pytest.raises(UserError, match="night is a style: use faststyle stylize"):
        Upscaler(style, device="cpu")
    path = str(write_upscaler(tmp_path / "a.safetensors"))
    load: Callable[[str], object]
    for load in (Stylizer.load, lambda each: Regions.load([each])):
        with pytest.raises(UserError, match="enlarge_x4 enlarges pictures: use faststyle enlarge"):
            load(path)


def test_another_factor_than_asked_for_is_refused(tmp_path: Path) -> None:
    path = str(write_upscaler(tmp_path / "a.safetensors", 2))
    assert Upscaler.load(path, device="cpu").name == "x2"
    with pytest.raises(UserError, match=r"a\.safetensors enlarges by 2, not by 8"):
        Upscaler.load(path, 8, device="cpu")
