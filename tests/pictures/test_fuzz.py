"""Whatever a file holds, reading it gives a picture, or one line that says why not."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.data.folder import read_photo
from faststyle.pictures.files import (
    count_frames,
    is_ours,
    load_picture_bytes,
    open_image,
    picture_format,
)
from tests.fuzz import COUNT, mutated

FORMATS = ("jpg", "png", "webp", "tif", "gif", "bmp", "jp2", "avif")


def _whole(path: Path) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (24, 32, 4), dtype=np.uint8)
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a description"
    if path.suffix in (".jpg", ".bmp"):
        image = image.convert("RGB")
    options = {} if path.suffix in (".gif", ".bmp", ".jp2") else {"exif": exif}
    image.save(path, **options)  # type: ignore[arg-type]
    return path.read_bytes()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", FORMATS)
def test_mutated_pictures_are_read_or_refused_in_a_line(tmp_path: Path, suffix: str) -> None:
    whole = _whole(tmp_path / f"whole.{suffix}")
    path = tmp_path / f"a.{suffix}"
    read = 0
    for content in mutated(whole, COUNT // len(FORMATS)):
        path.write_bytes(content)
        picture_format(path)
        is_ours(path)
        with contextlib.suppress(UserError):
            count_frames(path)
        with contextlib.suppress(UserError):
            # A header may promise what takes minutes to clear and fill.
            load_picture_bytes(path, max_pixels=10_000_000)
            read += 1
        with contextlib.suppress(UserError):
            open_image(path, max_pixels=10_000_000)
            read_photo(path, 16)
    assert read, "some damage does not matter"
