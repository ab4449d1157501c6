import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from faststyle.core.errors import UserError
from faststyle.images.pixels import Picture
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.styles.metadata import IDENTITY
from faststyle.styles.mixture import choose
from faststyle.stylize.options import RenderOptions
from faststyle.stylize.passes import rows_at_once
from faststyle.stylize.stylizer import Stylizer
from tests.several import STYLES, several_styles

WITH_PHOTO = (*STYLES, StyleMetadata(IDENTITY))
PHOTOS = torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def stylizer() -> Stylizer:
    torch.manual_seed(0)
    network = TransformNetwork(width=4, blocks=1).eval()
    return Stylizer(TrainedStyle(network, StyleMetadata(style="night")), device="cpu")


def test_a_batch_is_what_the_network_makes_of_it(stylizer: Stylizer) -> None:
    with torch.no_grad():
        expected = stylizer.network(PHOTOS)
    torch.testing.assert_close(stylizer(PHOTOS), expected)


def test_a_single_photo_is_a_batch_of_one(stylizer: Stylizer) -> None:
    torch.testing.assert_close(stylizer(PHOTOS[0]), stylizer(PHOTOS)[0])


def test_strength_mixes_the_style_with_the_photo_as_a_style_where_a_file_has_it() -> None:
    style = several_styles(styles=WITH_PHOTO)
    stylizer = Stylizer(style, mix={"night": 1.0}, device="cpu", precision="32")
    weights = torch.tensor([0.6, 0, 0, 0, 0.4])
    expected = style.network(PHOTOS, weights).clamp(0, 1)
    torch.testing.assert_close(stylizer(PHOTOS, RenderOptions(strength=0.6)), expected)
    whole = style.network(PHOTOS, torch.eye(5)[0]).clamp(0, 1)
    torch.testing.assert_close(stylizer(PHOTOS), whole)


def test_the_thinnest_paint_is_blended_down_to_the_photo_itself() -> None:
    style = several_styles(styles=WITH_PHOTO)
    stylizer = Stylizer(style, mix={"night": 1.0}, device="cpu", precision="32")
    assert torch.equal(stylizer(PHOTOS, RenderOptions(strength=0)), PHOTOS)
    thin = style.network(PHOTOS, torch.tensor([0.05, 0, 0, 0, 0.95])).clamp(0, 1)
    torch.testing.assert_close(stylizer(PHOTOS, RenderOptions(strength=0.05)), (thin + PHOTOS) / 2)


def test_strength_blends_with_the_photo(stylizer: Stylizer) -> None:
    torch.testing.assert_close(stylizer(PHOTOS, RenderOptions(strength=0)), PHOTOS)
    half = (PHOTOS + stylizer(PHOTOS)) / 2
    torch.testing.assert_close(stylizer(PHOTOS, RenderOptions(strength=0.5)), half)


def test_preserved_colors_take_only_brightness_from_the_style(stylizer: Stylizer) -> None:
    photos = PHOTOS * 0.2 + 0.4  # far enough from black and white that nothing is cut off
    result = stylizer(photos, RenderOptions(color="photo"))
    luma = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    expected = (stylizer(photos) * luma).sum(1)
    inside = ((result > 0) & (result < 1)).all(1)
    assert inside.any()
    torch.testing.assert_close((result * luma).sum(1)[inside], expected[inside])
    chroma, original = (x - x.mean(1, keepdim=True) for x in (result, photos))
    keep = inside[:, None].expand_as(chroma)
    torch.testing.assert_close(chroma[keep], original[keep])


def test_results_stay_in_unit_range_even_of_a_linear_network() -> None:
    network = TransformNetwork(width=2, blocks=0, output="linear").eval()
    assert network.head.bias is not None
    torch.nn.init.constant_(network.head.bias, 5.0)
    assert Stylizer(TrainedStyle(network), device="cpu")(PHOTOS).max() == 1


@pytest.mark.parametrize(("has_bf16", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_precision_is_what_the_cpu_is_fast_at(
    has_bf16: bool, expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faststyle.stylize.passes.cpu_has_bf16", lambda: has_bf16)
    stylizer = Stylizer(TrainedStyle(TransformNetwork(width=2, blocks=0)), device="cpu")
    assert stylizer.plan_pass([Picture(PHOTOS[0])], RenderOptions()).dtype == expected


@pytest.mark.parametrize("precision", ["bf16", "16"])
def test_lower_precision_gives_nearly_the_same_picture(precision: str) -> None:
    torch.manual_seed(0)
    network = TransformNetwork(width=4, blocks=1).eval()
    exact = Stylizer(TrainedStyle(network), device="cpu")(PHOTOS)
    rough = Stylizer(TrainedStyle(network), device="cpu", precision=precision)(PHOTOS)
    assert rough.dtype == torch.float32
    assert (exact - rough).abs().mean() < 0.01


def test_pictures_keep_alpha_and_profile_at_the_new_size(stylizer: Stylizer) -> None:
    picture = Picture(PHOTOS[0], torch.ones(1, 20, 24), b"profile")
    [result] = stylizer.process([picture], RenderOptions(size=10))
    assert result.pixels.shape == (3, 10, 12)
    assert result.alpha is not None
    assert result.alpha.shape == (1, 10, 12)
    assert result.icc_profile == b"profile"


def test_too_large_a_picture_is_refused_before_any_work(stylizer: Stylizer) -> None:
    with pytest.raises(UserError, match=r"--size"):
        stylizer.process([Picture(PHOTOS[0])], RenderOptions(max_pixels=100))
    with pytest.raises(UserError, match=r"--max-pixels"):
        stylizer.process([Picture(PHOTOS[0])], RenderOptions(size=100_000))


def test_strips_make_the_picture_that_one_pass_makes(stylizer: Stylizer) -> None:
    generator = torch.Generator().manual_seed(1)
    picture = Picture(torch.rand(3, 203, 130, generator=generator))
    options = RenderOptions(strength=0.8, color="photo", tile="off")
    [whole] = stylizer.process([picture], options)
    shown: list[tuple[int, int]] = []
    [strips] = stylizer.process(
        [picture], replace(options, tile=64), lambda done, total: shown.append((done, total))
    )
    torch.testing.assert_close(strips.pixels, whole.pixels, atol=1e-4, rtol=0)
    assert [done for done, _ in shown] == list(range(1, shown[0][1] + 1))


def test_strips_in_half_precision_are_as_exact_as_the_whole() -> None:
    torch.manual_seed(0)
    style = TrainedStyle(TransformNetwork(width=8, blocks=2).eval())
    coarse = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(1))
    [photo] = torch.nn.functional.interpolate(coarse, (120, 160), mode="bicubic").clamp(0, 1)
    stylizer = Stylizer(style, device="cpu", precision="bf16")
    [whole] = stylizer.process([Picture(photo)], RenderOptions(tile="off"))
    [strips] = stylizer.process([Picture(photo)], RenderOptions(tile=32))
    [exact] = Stylizer(style, device="cpu", precision="32").process([Picture(photo)])
    of_strips, of_whole = ((p.pixels - exact.pixels).abs().mean() for p in (strips, whole))
    assert of_whole < 2 / 255
    assert of_strips < 1.2 * of_whole


def test_pictures_of_bytes_come_out_as_bytes(stylizer: Stylizer) -> None:
    eight_bit = (PHOTOS * 255).round().to(torch.uint8)
    expected = stylizer(eight_bit / 255) * 255
    for tile in ("off", "auto"):
        results = stylizer.process([Picture(p) for p in eight_bit], RenderOptions(tile=tile))
        found = torch.stack([result.pixels for result in results])
        assert found.dtype == torch.uint8
        torch.testing.assert_close(found.float(), expected, atol=0.51, rtol=0)


@pytest.mark.parametrize(
    ("free", "size", "expected"),
    [
        (10**10, (1000, 1000), None),
        (10**10, (9000, 12000), 47),
        (10**8, (1000, 1000), 571),
        (0, (100, 100_000), 32),
        (0, (16, 100), None),
    ],
)
def test_auto_takes_strips_where_a_picture_would_not_fit(
    monkeypatch: pytest.MonkeyPatch, free: int, size: tuple[int, int], expected: int | None
) -> None:
    monkeypatch.setattr("faststyle.stylize.passes.free_memory", lambda _: free)
    memory = TransformNetwork().bytes_per_pixel
    found = rows_at_once("auto", size, count=1, device=torch.device("cpu"), memory=memory)
    assert found == expected


# A network that knows nothing paints in few colors, which statistics spread, and rounding too.
@pytest.mark.parametrize(
    ("color", "most"), [("painting", 1), ("photo", 2), ("mean", 12), ("hist", 12)]
)
def test_strips_of_bytes_are_those_of_the_whole_but_for_rounding(
    stylizer: Stylizer, color: str, most: int
) -> None:
    photo = (torch.rand(3, 70, 40) * 255).to(torch.uint8)
    picture = Picture(photo.clone())
    options = RenderOptions(strength=0.5, color=color, tile="off")
    [expected] = stylizer.process([Picture(photo)], options)
    [found] = stylizer.process([picture], replace(options, tile=32))
    difference = (found.pixels.int() - expected.pixels.int()).abs()
    assert difference.max() <= most
    assert difference.float().mean() < 1
    assert torch.equal(picture.pixels, photo), "the photo stays"


def test_networks_that_cannot_be_streamed_say_so() -> None:
    stylizer = Stylizer(TrainedStyle(TransformNetwork(2, 0, norm="batch")), device="cpu")
    with pytest.raises(UserError, match="tile=off"):
        stylizer.process([Picture(torch.rand(3, 64, 64))], RenderOptions(tile=32))


def test_auto_takes_networks_that_cannot_be_streamed_in_one_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("faststyle.stylize.passes.free_memory", lambda _: 0)
    stylizer = Stylizer(TrainedStyle(TransformNetwork(2, 0, norm="batch").eval()), device="cpu")
    photo = torch.rand(3, 64, 64)
    [found] = stylizer.process([Picture(photo)], RenderOptions(tile="auto"))
    torch.testing.assert_close(found.pixels, stylizer(photo))


def test_wrong_arguments_are_named(stylizer: Stylizer) -> None:
    with pytest.raises(UserError, match="strength"):
        stylizer(PHOTOS, RenderOptions(strength=1.5))
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\)"):
        stylizer(PHOTOS[:, :1])
    style = TrainedStyle(TransformNetwork(2, 0))
    with pytest.raises(UserError, match="precision"):
        Stylizer(style, precision="8")
    for device in ("cuda:99", "toaster"):
        with pytest.raises(UserError, match="try cpu"):
            Stylizer(style, device=device)


def test_importing_it_loads_neither_lightning_nor_hydra() -> None:
    code = (
        "import sys; from faststyle import Stylizer; import faststyle.files.batch;"
        "heavy = {'pytorch_lightning', 'lightning', 'hydra', 'torchvision', 'omegaconf'};"
        "print(heavy & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_the_mixture_of_styles_can_be_changed_without_loading_again() -> None:
    style = several_styles()
    stylizer = Stylizer(style, device="cpu", mix={"night": 1}, stroke=1.2)
    first = Stylizer(choose(style, {"night": 1}, 1.2), device="cpu")
    second = Stylizer(choose(style, {"night": 1, "wave": 3}), device="cpu")
    torch.testing.assert_close(stylizer(PHOTOS), first(PHOTOS))
    assert stylizer.name == "night"
    stylizer.mix({"night": 1, "wave": 3})
    torch.testing.assert_close(stylizer(PHOTOS), second(PHOTOS))
    assert stylizer.name == second.name == "night-0.25-wave-0.75"
    with pytest.raises(UserError, match='no style "wav"'):
        stylizer.mix({"wav": 1})
    torch.testing.assert_close(stylizer(PHOTOS), second(PHOTOS))


def test_a_mixture_moves_to_another_by_any_part_of_the_way() -> None:
    style = several_styles()
    stylizer = Stylizer(style, device="cpu", mix={"night": 1})
    move = stylizer.move({"wave": 1})
    for part in (0.0, 0.25, 1.0):
        move(part)
        mix = {"night": 1 - part, "wave": part}
        torch.testing.assert_close(stylizer(PHOTOS), Stylizer(style, "cpu", mix=mix)(PHOTOS))


def test_strokes_beyond_those_that_were_trained_are_painted_at_another_scale() -> None:
    style = several_styles()
    larger = Stylizer(style, device="cpu", mix={"night": 1}, stroke=2.6)
    assert larger.scale == pytest.approx(1.6)
    small = torch.nn.functional.interpolate(PHOTOS, (12, 15), mode="bicubic", antialias=True)
    trained = Stylizer(style, device="cpu", mix={"night": 1}, stroke=2.6 / 1.6)
    means = larger(PHOTOS).mean((2, 3)), trained(small.clamp(0, 1)).mean((2, 3))
    torch.testing.assert_close(*means, rtol=0, atol=0.02)
    larger.mix({"night": 1})
    torch.testing.assert_close(larger(PHOTOS), Stylizer(style, "cpu", mix={"night": 1})(PHOTOS))


@pytest.mark.parametrize("stroke", [0.5, 1.0, 3.0])
def test_a_style_of_one_size_has_strokes_of_any(stylizer: Stylizer, stroke: float) -> None:
    style = TrainedStyle(stylizer.network, StyleMetadata(style="night"))
    changed = Stylizer(style, device="cpu", stroke=stroke)
    assert (changed(PHOTOS) - stylizer(PHOTOS)).abs().mean() < 0.2
    smooth = torch.nn.functional.interpolate(PHOTOS[:1], (90, 70), mode="bicubic")
    picture = Picture((smooth[0].clamp(0, 1) * 255).byte())
    [whole], [strips] = (
        changed.process([picture], RenderOptions(tile=tile)) for tile in ("off", 32)
    )
    # Strips are made of bytes, which are rounded when they are scaled.
    assert (whole.pixels.int() - strips.pixels.int()).abs().float().mean() < 1.5


def test_auto_takes_strips_where_a_picture_enlarged_for_small_strokes_would_not_fit(
    stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = 100 * 100
    monkeypatch.setattr("faststyle.stylize.passes.free_memory", lambda _: 2 * 350 * pixels)
    style = TrainedStyle(stylizer.network, StyleMetadata(style="night"))
    picture = Picture(torch.rand(3, 100, 100))
    for stroke, is_whole in ((1, True), (0.5, False)):
        how = Stylizer(style, device="cpu", stroke=stroke).plan_pass([picture], RenderOptions())
        assert (how.rows is None) is is_whole


def test_the_largest_strokes_go_over_small_pictures_in_strips_too(stylizer: Stylizer) -> None:
    large = Stylizer(
        TrainedStyle(stylizer.network, StyleMetadata(style="night")), device="cpu", stroke=8
    )
    pixels = torch.rand(3, 33, 40)
    [found] = large.process([Picture(pixels)], RenderOptions(tile=32))
    torch.testing.assert_close(found.pixels, large(pixels), rtol=0, atol=1e-4)


def test_a_mixture_can_be_stylized_in_strips() -> None:
    stylizer = Stylizer(several_styles(), device="cpu", mix={"night": 1, "wave": 2})
    photo = torch.rand(3, 128, 48)
    [strips] = stylizer.process([Picture(photo)], RenderOptions(tile=32))
    torch.testing.assert_close(strips.pixels, stylizer(photo), rtol=0, atol=1e-5)


def test_of_one_style_there_is_no_mixture(stylizer: Stylizer) -> None:
    with pytest.raises(UserError, match="night is a file of one style"):
        stylizer.mix({"night": 1})
    with pytest.raises(UserError, match="all is a file of several styles"):
        Stylizer(several_styles(), device="cpu")


def test_colors_that_nobody_sees_do_not_color_the_rest(stylizer: Stylizer) -> None:
    alpha = torch.zeros(1, 24, 24)
    alpha[..., :12] = 1
    seen = torch.rand(3, 24, 24)
    results = []
    for hidden in (0.0, 1.0):
        pixels = torch.where(alpha > 0, seen, torch.full_like(seen, hidden))
        [result] = stylizer.process([Picture(pixels, alpha)])
        assert result.alpha is not None
        assert torch.equal(result.alpha, alpha)
        results.append(result.pixels[..., :12])
    assert torch.equal(*results)


RAMP = torch.linspace(0.3, 0.7, 4096).expand(3, 64, 4096)


def _levels(pixels: torch.Tensor) -> int:
    return len(np.unique(pixels.mul(65535).round().numpy()))


@pytest.mark.parametrize("tile", ["off", 32])
def test_a_smooth_ramp_of_16_bits_stays_smooth(stylizer: Stylizer, tile: int | str) -> None:
    deep, shallow = Picture(RAMP, bit_depth=16), Picture((RAMP * 255).byte())
    results = [
        stylizer.process([photo], RenderOptions(strength=0.5, tile=tile))[0]
        for photo in (deep, shallow)
    ]
    assert [result.bit_depth for result in results] == [16, 8]
    assert _levels(results[0].pixels) > 2_000
    assert results[1].pixels.dtype == torch.uint8


@pytest.mark.parametrize("tile", ["off", 32])
def test_the_result_of_bytes_has_16_bits_if_asked_for(stylizer: Stylizer, tile: int | str) -> None:
    photo = torch.randint(256, (3, 128, 48), dtype=torch.uint8)
    [result] = stylizer.process([Picture(photo).with_depth(16)], RenderOptions(tile=tile))
    expected = stylizer(photo.float() / 255)
    assert result.bit_depth == 16
    torch.testing.assert_close(result.pixels, expected, rtol=0, atol=1e-5)


def test_16_bits_are_scaled_before_they_are_rounded(stylizer: Stylizer) -> None:
    steps = Picture((RAMP[..., ::16] * 255).byte())
    options = RenderOptions(size=640, strength=0)
    assert _levels(stylizer.process([steps.with_depth(16)], options)[0].pixels) > 256


def test_a_result_of_8_bits_may_be_asked_for(stylizer: Stylizer) -> None:
    [result] = stylizer.process([Picture(RAMP, bit_depth=16).with_depth(8)])
    assert result.bit_depth == 8


def test_photos_of_8_and_16_bits_go_together(stylizer: Stylizer) -> None:
    deep, shallow = Picture(PHOTOS[0], bit_depth=16), Picture((PHOTOS[1] * 255).byte())
    options = RenderOptions(strength=0.5)
    together = stylizer.process([deep, shallow], options)
    for result, photo in zip(together, (deep, shallow), strict=True):
        [alone] = stylizer.process([photo], options)
        tolerance = 1e-5 if photo is deep else 1
        torch.testing.assert_close(result.pixels, alone.pixels, rtol=0, atol=tolerance)


def test_16_bits_are_computed_exactly_unless_another_precision_is_named(
    stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faststyle.stylize.passes.cpu_has_bf16", lambda: True)
    style = TrainedStyle(stylizer.network, stylizer.metadata)
    photo = Picture(RAMP[..., :256].contiguous(), bit_depth=16)
    [exact] = stylizer.process([photo])
    for precision, is_exact in (("auto", True), ("bf16", False)):
        [result] = Stylizer(style, "cpu", precision).process([photo])
        assert torch.allclose(result.pixels, exact.pixels, atol=1e-5) == is_exact
