"""Whatever a file holds, reading it gives a picture, or one line that says why not."""

import contextlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.data.folder import read_photo
from faststyle.images.files import load_picture_bytes, read_frames
from faststyle.images.probe import is_ours, open_image, probe
from tests.fuzz import COUNT, mutated
from tests.sixteen import png, samples, tiff

FORMATS = ("jpg", "png", "webp", "tif", "gif", "bmp", "jp2", "avif")
#: Files of 16 bits a channel.
DEEP = {
    "lines.png": png(samples(4, 24, 32)),
    "strips.tif": tiff(samples(4, 24, 32), compression="lzw", predictor=True, rowsperstrip=5),
    "tiles.tif": tiff(samples(3, 24, 32), compression="zlib", tile=(16, 16), byteorder=">"),
    "planes.tif": tiff(samples(3, 24, 32), planarconfig="separate"),
    "floats.tif": tiff(samples(3, 24, 32).astype(np.float32), compression="zlib", predictor=3),
    "webp.tif": tiff(samples(3, 24, 32).astype(np.uint8), compression="webp"),
    "twelve.jp2": bytes(imagecodecs.jpeg2k_encode(samples(3, 24, 32) >> 4, bitspersample=12)),
    "twelve.jpg": bytes(imagecodecs.jpeg8_encode(samples(3, 24, 32) >> 4, bitspersample=12)),
}


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
    _read_or_refuse(_whole(tmp_path / f"whole.{suffix}"), tmp_path / f"a.{suffix}")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", DEEP)
def test_mutated_pictures_of_16_bits_are_read_or_refused_in_a_line(
    tmp_path: Path, name: str
) -> None:
    _read_or_refuse(DEEP[name], tmp_path / name)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ending", [".gif", ".webp", ".png"])
def test_mutated_animations_are_read_or_refused_in_a_line(tmp_path: Path, ending: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3, 12, 16, 4), dtype=np.uint8)
    first, *more = map(Image.fromarray, noise)
    path = tmp_path / f"a{ending}"
    first.save(path, save_all=True, append_images=more, duration=50)
    read = 0
    for content in mutated(path.read_bytes(), COUNT // len(FORMATS)):
        path.write_bytes(content)
        with contextlib.suppress(UserError):
            probe(path)
        with contextlib.suppress(UserError):
            for _ in read_frames(path, max_pixels=10_000_000):
                read += 1
    assert read, "some damage does not matter"


def _read_or_refuse(whole: bytes, path: Path) -> None:
    read = 0
    for content in mutated(whole, COUNT // len(FORMATS)):
        path.write_bytes(content)
        is_ours(path)
        with contextlib.suppress(UserError):
            probe(path)
        with contextlib.suppress(UserError):
            # A header may promise what takes minutes to clear and fill.
            load_picture_bytes(path, max_pixels=10_000_000)
            read += 1
        with contextlib.suppress(UserError):
            open_image(path, max_pixels=10_000_000)
            read_photo(path, 16)
    assert read, "some damage does not matter"
