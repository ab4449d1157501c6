from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.pixels import Picture
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.styles.metadata import IDENTITY
from faststyle.stylize.masks import feather
from faststyle.stylize.options import RenderOptions
from faststyle.stylize.regions import MARGIN, Regions
from faststyle.stylize.stylizer import Stylizer
from tests.several import STYLES, several_styles

PICTURE = RenderOptions(statistics="picture")


def _photo(height: int = 120, width: int = 160, seed: int = 0) -> Tensor:
    coarse = torch.rand(1, 3, 9, 12, generator=torch.Generator().manual_seed(seed))
    grown = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")
    return grown[0].clamp(0, 1)


def _stylizer(seed: int = 0, name: str = "night") -> Stylizer:
    torch.manual_seed(seed)
    network = TransformNetwork(width=4, blocks=1, noise=2).eval()
    return Stylizer(TrainedStyle(network, StyleMetadata(name)), device="cpu")


def _columns(start: int, stop: int, height: int = 120, width: int = 160) -> Tensor:
    mask = torch.zeros(1, height, width, dtype=torch.uint8)
    mask[..., start:stop] = 255
    return mask


def _stylize(
    stylizers: list[Stylizer], pixels: Tensor, masks: Tensor, options: RenderOptions
) -> Tensor:
    [result] = Regions(stylizers).process([Picture(pixels, masks=masks)], options)
    return result.pixels


@contextmanager
def _counted() -> Iterator[list[int]]:
    """How many pixels each pass of the network's first layer saw."""
    seen: list[int] = []
    original = Stylizer.run_network

    def run_network(self: Stylizer, pictures: Tensor, *others: object) -> Tensor:
        seen.append(pictures[0, 0].numel())
        return original(self, pictures, *others)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylizer, "run_network", run_network)
        yield seen


@pytest.mark.parametrize("color", ["painting", "photo", "mean", "hist"])
@pytest.mark.parametrize("statistics", ["region", "picture"])
@pytest.mark.parametrize("tile", ["off", 32])
@pytest.mark.parametrize("are_bytes", [False, True])
def test_outside_a_mask_the_photo_stays_to_the_bit(
    color: str, statistics: str, tile: int | str, are_bytes: bool
) -> None:
    pixels = (_photo() * 255).to(torch.uint8) if are_bytes else _photo()
    options = RenderOptions(color=color, statistics=statistics, tile=tile)
    result = _stylize([_stylizer()], pixels, _columns(40, 90), options)
    assert torch.equal(result[..., :40], pixels[..., :40])
    assert torch.equal(result[..., 90:], pixels[..., 90:])
    assert not torch.equal(result[..., 40:90], pixels[..., 40:90])


@pytest.mark.parametrize("tile", ["off", 32])
def test_with_the_pictures_statistics_the_inside_is_as_without_a_mask(tile: int | str) -> None:
    stylizer, pixels = _stylizer(), _photo()
    result = _stylize([stylizer], pixels, _columns(40, 90), replace(PICTURE, tile=tile))
    difference = (result - stylizer(pixels))[..., 40:90].abs().max()
    assert difference < 2 / 255


def test_with_the_regions_statistics_the_rest_of_the_photo_does_not_matter() -> None:
    stylizer, pixels = _stylizer(), _photo()
    other = pixels.clone()
    other[..., 110 + MARGIN :] = 0
    for options, changes in ((RenderOptions(), False), (PICTURE, True)):
        results = [_stylize([stylizer], each, _columns(0, 90), options) for each in (pixels, other)]
        difference = (results[0] - results[1])[..., :60].abs().max()
        assert bool(difference > 0.01) is changes


def test_a_region_in_strips_is_the_region_in_one_piece() -> None:
    pixels, masks = _photo(), _columns(30, 120)
    whole, strips = (
        _stylize([_stylizer()], pixels, masks, RenderOptions(tile=tile)) for tile in ("off", 32)
    )
    torch.testing.assert_close(strips, whole, rtol=0, atol=1e-4)


def test_gray_is_between_the_photo_and_the_style() -> None:
    pixels = _photo()
    gray = torch.full((1, 120, 160), 51, dtype=torch.uint8)
    result = _stylize([_stylizer()], pixels, gray, PICTURE)
    torch.testing.assert_close(result, pixels + 0.2 * (_stylizer()(pixels) - pixels))


def test_a_later_style_lies_over_an_earlier_one() -> None:
    first, second = _stylizer(0), _stylizer(1)
    pixels = _photo()
    masks = torch.cat((_columns(0, 100), _columns(60, 160)))
    result = _stylize([first, second], pixels, masks, PICTURE)
    torch.testing.assert_close(result[..., :60], first(pixels)[..., :60], rtol=0, atol=1e-5)
    torch.testing.assert_close(result[..., 60:], second(pixels)[..., 60:], rtol=0, atol=1e-5)


def test_where_soft_masks_meet_no_photo_shines_through() -> None:
    left = feather(_columns(0, 80), 40)
    masks, pixels = torch.cat((left, 255 - left)), _photo()
    first, second = _stylizer(0), _stylizer(1)
    result = _stylize([first, second], pixels, masks, PICTURE)
    expected = torch.lerp(second(pixels), first(pixels), left / 255)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("tile", ["off", 32])
def test_each_region_has_the_colors_of_its_own_part_of_the_photo(tile: int | str) -> None:
    style = several_styles()
    dim, bright = 0.3 * _photo(), 0.4 + 0.4 * _photo()
    pixels = torch.cat((dim[..., :80], bright[..., 80:]), 2)
    stylizers = [Stylizer(style, device="cpu", mix={name: 1}) for name in ("night", "wave")]
    masks = torch.cat((_columns(0, 80), _columns(80, 160)))
    result = _stylize(stylizers, pixels, masks, RenderOptions(color="mean", tile=tile))
    for part in (slice(0, 80), slice(80, 160)):
        means = [each[..., part].mean((1, 2)) for each in (result, pixels)]
        torch.testing.assert_close(*means, rtol=0, atol=0.05)


def test_a_black_mask_leaves_the_photo() -> None:
    pixels = _photo()
    assert torch.equal(_stylize([_stylizer()], pixels, _columns(0, 0), RenderOptions()), pixels)


def test_regions_cost_their_areas_and_a_margin() -> None:
    stylizers = [_stylizer(0), _stylizer(1)]
    masks = torch.cat((_columns(0, 200, 300, 400), _columns(200, 400, 300, 400)))
    with _counted() as seen:
        _stylize(stylizers, _photo(300, 400), masks, RenderOptions())
    assert len(seen) == 2
    assert sum(seen) <= 1.2 * 300 * 400


def test_what_is_seen_around_a_region_grows_with_strokes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[torch.Size] = []
    stylizer = _stylizer()
    large = Stylizer(TrainedStyle(stylizer.network, StyleMetadata("night")), "cpu", stroke=2.0)

    def run_network(pictures: Tensor, *rest: Any) -> Tensor:
        seen.append(pictures.shape)
        return Stylizer.run_network(large, pictures, *rest)

    monkeypatch.setattr(large, "run_network", run_network)
    Regions([large]).process([Picture(_photo(256, 256), masks=_columns(100, 120, 256, 256))])
    assert [shape[3] for shape in seen] == [20 + 2 * 2 * MARGIN]


def test_no_style_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="a style at least"):
        Regions([])


@pytest.mark.parametrize("names", [("night", "wave"), ("wave", "night")])
def test_styles_of_one_file_are_painted_in_one_pass(names: tuple[str, str]) -> None:
    style = several_styles()
    stylizers = [Stylizer(style, device="cpu", mix={name: 1}) for name in names]
    masks = torch.cat((_columns(0, 80), _columns(80, 160)))
    with _counted() as seen:
        result = _stylize(stylizers, _photo(), masks, RenderOptions())
    assert seen == [120 * 160]
    own, other = (
        _stylize([stylizer], _photo(), masks[:1], RenderOptions()) for stylizer in stylizers
    )
    # What lies beyond the border changes the statistics of the region a little.
    of_own, of_other = ((each - result)[..., :40].abs().mean() for each in (own, other))
    assert of_own < 0.05 * of_other


def test_styles_of_one_file_are_painted_in_strips_one_after_another() -> None:
    style = several_styles()
    stylizers = [Stylizer(style, device="cpu", mix={name: 1}) for name in ("night", "wave")]
    masks = torch.cat((_columns(0, 80), _columns(80, 160)))
    result = _stylize(stylizers, _photo(), masks, RenderOptions(tile=32))
    for number in range(2):
        alone = _stylize([stylizers[number]], _photo(), masks[number, None], RenderOptions())
        part = slice(80 * number, 80 * number + 80)
        torch.testing.assert_close(result[..., part], alone[..., part], rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (9, 1), (5, 70)])
def test_pictures_and_regions_of_any_size_can_be_stylized(size: tuple[int, int]) -> None:
    mask = torch.zeros(1, *size, dtype=torch.uint8)
    mask[0, -1, -1] = 255
    for options in (RenderOptions(), PICTURE, RenderOptions(color="hist", feather=3)):
        assert _stylize([_stylizer()], _photo(*size), mask, options).isfinite().all()


def test_photos_and_masks_of_a_program_come_back_in_their_form() -> None:
    regions = Regions([_stylizer(0), _stylizer(1)])
    pixels = (_photo().permute(1, 2, 0) * 255).to(torch.uint8).numpy()
    mask = _columns(0, 80)[0].numpy()
    found = regions(pixels, [None, mask])
    assert found.shape == pixels.shape
    assert found.dtype == np.uint8
    image = regions(Image.fromarray(pixels), [None, Image.fromarray(mask)])
    assert np.array_equal(np.asarray(image), found)
    fractions = regions(pixels, [None, torch.from_numpy(mask) / 255])
    assert np.array_equal(fractions, found)


@pytest.mark.parametrize("mode", ["1", "P", "RGB", "LA", "I;16"])
def test_a_mask_of_pillow_may_have_any_mode(mode: str) -> None:
    mask, regions = _columns(0, 80)[0].numpy(), Regions([_stylizer()])
    if mode == "I;16":
        image = Image.fromarray(mask.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(mask).convert(mode)
    if mode == "P":  # whose numbers are not how bright its colors are
        image = Image.fromarray((mask == 0).astype(np.uint8), "P")
        image.putpalette([255, 255, 255, 0, 0, 0])
    assert torch.equal(regions(_photo(), [image]), regions(_photo(), [mask]))


@pytest.mark.parametrize(
    "mask", [np.ones((120, 160), int), np.full((120, 160), np.nan), np.full((120, 160), 255.0)]
)
def test_masks_whose_white_is_not_known_are_refused(mask: object) -> None:
    with pytest.raises(ValueError, match="masks"):
        Regions([_stylizer()])(_photo(), [mask])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("color", ["painting", "photo", "mean", "hist"])
def test_photos_of_other_floats_come_back_as_such(dtype: torch.dtype, color: str) -> None:
    regions, mask = Regions([_stylizer()]), _columns(0, 80)[0]
    expected = regions(_photo(), [mask], RenderOptions(color=color))
    found = regions(_photo().to(dtype), [mask], RenderOptions(color=color))
    assert found.dtype == dtype
    assert torch.equal(found[..., 80:], _photo().to(dtype)[..., 80:])
    assert (found.float() - expected).abs().mean() < 0.02


def test_masks_that_do_not_fit_the_photo_are_a_mistake_of_the_program() -> None:
    regions = Regions([_stylizer()])
    with pytest.raises(ValueError, match="the mask is"):
        regions(_photo(), [np.zeros((10, 10))])
    with pytest.raises(ValueError, match="2 masks were given"):
        regions(_photo(), [None, None])


def test_a_style_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match='did you mean "starry_night'):
        Regions.load(["starry_night_small", "stary_night"])


def test_results_are_called_after_all_styles() -> None:
    assert Regions([_stylizer(), _stylizer()]).name == "night"
    assert Regions([_stylizer(), _stylizer(name="wave")]).name == "night-and-wave"


def test_strength_is_that_of_the_paint_in_every_region_of_a_file_that_knows_the_photo() -> None:
    style = several_styles(styles=(*STYLES, StyleMetadata(IDENTITY)))
    night, wave = (
        Stylizer(style, mix={name: 1.0}, device="cpu", precision="32") for name in ("night", "wave")
    )
    masks, photo = torch.cat([_columns(0, 160), _columns(80, 160)]), _photo()
    found = _stylize([night, wave], photo, masks, RenderOptions(strength=0.5, tile="off"))
    thinner = [
        Stylizer(style, mix={name: 0.5, IDENTITY: 0.5}, device="cpu", precision="32")
        for name in ("night", "wave")
    ]
    expected = _stylize(thinner, photo, masks, RenderOptions(tile="off"))
    torch.testing.assert_close(found, expected)
