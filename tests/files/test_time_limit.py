"""A picture that decodes for too long is named and passed over, whatever decodes it."""

import time
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import torch
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.files import time_limit
from faststyle.files.time_limit import load_within, read_frames_within
from faststyle.images.files import load_picture_bytes
from faststyle.images.pixels import MAX_PIXELS
from faststyle.images.probe import open_image

NOISE = np.random.default_rng(0).integers(0, 255, (1100, 1000, 3), dtype=np.uint8)


def test_an_ordinary_picture_is_decoded_as_ever(tmp_path: Path) -> None:
    Image.fromarray(NOISE).save(tmp_path / "a.jpg")
    found = load_within(60, open_image(tmp_path / "a.jpg"), MAX_PIXELS)
    assert torch.equal(found.pixels, load_picture_bytes(tmp_path / "a.jpg").pixels)


def test_a_thread_that_takes_too_long_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(NOISE).save(tmp_path / "a.png")
    monkeypatch.setattr(time_limit, "load_picture_bytes", lambda *_: time.sleep(5))
    start = time.monotonic()
    with pytest.raises(UserError, match=r"a\.png takes more than 0\.1 s to decode: see --timeout"):
        load_within(0.1, open_image(tmp_path / "a.png"), MAX_PIXELS)
    assert time.monotonic() - start < 3


@pytest.mark.slow
def test_a_large_jpeg_2000_is_decoded_by_a_process_that_can_be_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.jp2"
    path.write_bytes(imagecodecs.jpeg2k_encode(NOISE, level=0))
    found = load_within(60, open_image(path), MAX_PIXELS)
    assert np.array_equal(found.pixels.permute(1, 2, 0).numpy(), NOISE)
    with pytest.raises(UserError, match=r"takes more than 0\.01 s"):
        load_within(0.01, open_image(path), MAX_PIXELS)


def test_damage_is_said_as_ever(tmp_path: Path) -> None:
    Image.fromarray(NOISE).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:9000])
    with pytest.raises(UserError, match="truncated or corrupt"):
        load_within(60, open_image(tmp_path / "a.png"), MAX_PIXELS)


def test_each_frame_of_an_animation_has_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *more = (Image.new("RGB", (8, 8), (0, 0, 90 * number)) for number in range(3))
    first.save(tmp_path / "a.gif", save_all=True, append_images=more, duration=40)
    found = list(read_frames_within(60, tmp_path / "a.gif", MAX_PIXELS))
    assert [(frame.pixels[2, 0, 0].item(), time) for frame, time in found] == [
        (0, 40),
        (90, 40),
        (180, 40),
    ]

    def slow(*_: object) -> Iterator[str]:
        yield "first"
        time.sleep(5)

    monkeypatch.setattr(time_limit, "read_frames", slow)
    frames: Iterator[object] = read_frames_within(0.1, tmp_path / "a.gif", MAX_PIXELS)
    assert next(frames) == "first"
    with pytest.raises(UserError, match=r"a\.gif takes more than 0\.1 s to decode"):
        next(frames)
