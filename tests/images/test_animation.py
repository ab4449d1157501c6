"""Animations come back as they went in: frames, durations, repetitions and transparency."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.images.files import (
    Animation,
    read_frames,
    save_animation,
)
from faststyle.images.formats import FORMATS
from faststyle.images.pixels import Picture
from faststyle.images.probe import is_ours, probe

ENDINGS = (".gif", ".webp", ".png")
has_avif = pytest.mark.skipif(not FORMATS["AVIF"].is_available, reason="this Pillow has no AVIF")
HEIGHT, WIDTH = 20, 24


def _square(number: int, is_transparent: bool) -> Picture:
    """A red square that moves over blue, or over nothing."""
    pixels = torch.zeros(3, HEIGHT, WIDTH, dtype=torch.uint8)
    pixels[2] = 255
    alpha = torch.zeros(1, HEIGHT, WIDTH, dtype=torch.uint8)
    place = slice(4 * number, 4 * number + 6)
    pixels[:, place, place] = torch.tensor([255, 0, 0], dtype=torch.uint8).view(3, 1, 1)
    alpha[:, place, place] = 255
    return Picture(pixels, alpha if is_transparent else None)


def _seen(picture: Picture) -> Tensor:
    """As it looks on white."""
    if picture.alpha is None:
        return picture.pixels.int()
    return torch.where(picture.alpha > 127, picture.pixels, 255).int()


def _read(path: Path) -> tuple[list[Picture], list[float]]:
    frames, durations = zip(*read_frames(path), strict=True)
    return list(frames), list(durations)


@pytest.mark.parametrize("is_transparent", [False, True])
@pytest.mark.parametrize("ending", ENDINGS)
def test_frames_come_back_whole(tmp_path: Path, ending: str, is_transparent: bool) -> None:
    frames = [_square(number, is_transparent) for number in range(3)]
    path = tmp_path / f"a{ending}"
    save_animation(Animation(frames, [100, 40, 250]), path, lossless=True)
    assert probe(path).is_animated
    assert is_ours(path)
    found, durations = _read(path)
    assert durations == [100, 40, 250]
    for before, after in zip(frames, found, strict=True):
        assert (_seen(before) - _seen(after)).abs().max() <= 2


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("plays", [0, 1, 3])
def test_the_number_of_times_that_it_is_shown_is_kept(
    tmp_path: Path, ending: str, plays: int
) -> None:
    frames = [_square(number, False) for number in range(2)]
    save_animation(Animation(frames, [100, 100], plays), tmp_path / f"a{ending}")
    assert probe(tmp_path / f"a{ending}").plays == plays


def test_transparency_in_one_frame_alone_is_kept(tmp_path: Path) -> None:
    frames = [_square(0, False), _square(1, True), _square(2, False)]
    for ending in ENDINGS:
        path = tmp_path / f"a{ending}"
        save_animation(Animation(frames, [100] * 3), path, lossless=True)
        for before, after in zip(frames, _read(path)[0], strict=True):
            assert (_seen(before) - _seen(after)).abs().max() <= 2, ending


@pytest.mark.parametrize("disposal", [1, 2, 3])
def test_frames_are_laid_over_those_before_as_a_gif_says(tmp_path: Path, disposal: int) -> None:
    """Against the definition: after a frame its place is left, cleared, or put back."""
    whole = Image.new("RGBA", (8, 8), (0, 0, 255, 255))
    parts = [Image.new("RGBA", (8, 8)) for _ in range(2)]
    for number, part in enumerate(parts):
        part.paste((255, 0, 0, 255), (4 * number, 0, 4 * number + 4, 4))
    whole.save(
        tmp_path / "a.gif",
        save_all=True,
        append_images=parts,
        disposal=[1, disposal, 1],
        optimize=False,
    )
    first, second, third = _read(tmp_path / "a.gif")[0]
    red, blue = [255, 0, 0], [0, 0, 255]
    assert first.pixels[:, 1, 1].tolist() == blue
    assert second.pixels[:, 1, 1].tolist() == red
    assert third.pixels[:, 1, 5].tolist() == red
    if disposal == 2:
        assert third.alpha is not None
        assert third.alpha[0, 1, 1] == 0
    else:
        assert third.pixels[:, 1, 1].tolist() == (red if disposal == 1 else blue)


def test_durations_are_rounded_so_that_errors_do_not_add_up(tmp_path: Path) -> None:
    frames = [_square(number % 3, False) for number in range(30)]
    save_animation(Animation(frames, [1000 / 30] * 30), tmp_path / "a.gif")
    durations = _read(tmp_path / "a.gif")[1]
    assert sum(durations) == 1000
    assert set(durations) == {30, 40}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("duration", [0, 65_536, 10_000_000])
def test_durations_that_a_format_cannot_hold_are_cut(
    tmp_path: Path, ending: str, duration: int
) -> None:
    frames = [_square(number, False) for number in range(3)]
    save_animation(Animation(frames, [duration] * 3, 100_000), tmp_path / f"a{ending}")
    assert len(_read(tmp_path / f"a{ending}")[0]) == 3


def test_a_picture_for_programs_without_animation_is_no_frame(tmp_path: Path) -> None:
    apart, first, second = (Image.new("RGB", (8, 8), color) for color in ("lime", "red", "blue"))
    for name, more in (("still", [first]), ("moving", [first, second])):
        apart.save(
            tmp_path / f"{name}.png",
            save_all=True,
            append_images=more,
            default_image=True,
            duration=80,
        )
    assert not probe(tmp_path / "still.png").is_animated
    frames, durations = _read(tmp_path / "moving.png")
    colors = [frame.pixels[:, 0, 0].tolist() for frame in frames]
    assert (colors, durations) == ([[255, 0, 0], [0, 0, 255]], [80, 80])


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_ends_too_early_is_named(tmp_path: Path, ending: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (4, 60, 60, 3), dtype=np.uint8)
    first, *more = (Image.fromarray(pixels) for pixels in noise)
    options: dict[str, Any] = {"lossless": True} if ending == ".webp" else {}
    path = tmp_path / f"a{ending}"
    first.save(path, save_all=True, append_images=more, **options)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"a\.(gif|webp|png)"):
        _read(path)


def test_stills_and_pages_are_no_animations(tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (8, 8), color) for color in ("red", "blue"))
    first.save(tmp_path / "a.gif")
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    assert not any(probe(tmp_path / name).is_animated for name in ("a.gif", "a.tif"))


@has_avif
@pytest.mark.parametrize("is_transparent", [False, True])
def test_avif_keeps_frames_and_durations(tmp_path: Path, is_transparent: bool) -> None:
    frames = [_square(number, is_transparent) for number in range(3)]
    durations = [100.0, 40.0, 100_000.0]
    save_animation(Animation(frames, durations), tmp_path / "a.avif", quality=100)
    assert probe(tmp_path / "a.avif").is_animated
    assert is_ours(tmp_path / "a.avif")
    found, kept = _read(tmp_path / "a.avif")
    assert kept == durations
    for number, picture in enumerate(found):
        assert (picture.alpha is not None) == is_transparent
        inside = picture.pixels[:, 4 * number + 2, 4 * number + 2].int()
        assert (inside - torch.tensor([255, 0, 0])).abs().max() < 30
        if picture.alpha is not None:
            assert picture.alpha[0, -1, -1] == 0
            assert picture.alpha[0, 4 * number, 4 * number] == 255


def test_each_frame_is_turned_upright(tmp_path: Path) -> None:
    frames = [_square(number, False) for number in range(3)]
    first, *more = (Image.fromarray(each.pixels.permute(1, 2, 0).numpy()) for each in frames)
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a.webp", "a.png"):
        first.save(tmp_path / name, save_all=True, append_images=more, exif=exif)
        shapes = {tuple(frame.pixels.shape[1:]) for frame in _read(tmp_path / name)[0]}
        assert shapes == {(WIDTH, HEIGHT)}, name


@has_avif
def test_an_avif_that_ends_too_early_is_named(tmp_path: Path) -> None:
    frames = [_square(number, False) for number in range(3)]
    save_animation(Animation(frames, [100] * 3), tmp_path / "a.avif")
    whole = (tmp_path / "a.avif").read_bytes()
    (tmp_path / "a.avif").write_bytes(whole[:-40])
    with pytest.raises(UserError, match=r"a\.avif"):
        _read(tmp_path / "a.avif")
