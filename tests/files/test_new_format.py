"""A new format of picture files is a plug-in of Pillow's, and one row of the table."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
import torch
from PIL import Image, ImageFile

from faststyle.core.errors import UserError
from faststyle.files.batch import FilePipeline, stylize_files
from faststyle.files.jobs import plan
from faststyle.images.files import load_picture_bytes, save_picture
from faststyle.images.formats import FORMATS, ImageFormat
from faststyle.images.pixels import Picture
from faststyle.images.probe import probe
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle
from faststyle.stylize.stylizer import Stylizer

MakePhoto = Callable[..., Path]
_SIGNATURE = b"PLAIN\0"


class PlainFile(ImageFile.ImageFile):
    """Six letters, width and height, and RGB pixels as they are."""

    format = "PLAIN"

    def _open(self) -> None:
        assert self.fp is not None
        width, height = struct.unpack("<HH", self.fp.read(10)[6:])
        self._mode, self._size = "RGB", (width, height)
        self.tile = [ImageFile._Tile("raw", (0, 0, width, height), 10, ("RGB", 0, 1))]


def _save(image: Image.Image, file: IO[bytes], _: str | bytes) -> None:
    assert image.mode == "RGB", "transparency is laid on white"
    file.write(_SIGNATURE + struct.pack("<HH", *image.size) + image.tobytes())


@pytest.fixture
def _plain_format(monkeypatch: pytest.MonkeyPatch) -> None:
    accept = _SIGNATURE.__eq__
    monkeypatch.setitem(Image.OPEN, "PLAIN", (PlainFile, lambda start: accept(start[:6])))
    monkeypatch.setitem(Image.SAVE, "PLAIN", _save)
    row = ImageFormat("PLAIN", "PIL.Image", (".plain", ".pln"), alpha=False, software="")
    monkeypatch.setitem(FORMATS, "PLAIN", row)


@pytest.fixture
def stylizer() -> Stylizer:
    network = TransformNetwork(width=2, blocks=0).eval()
    return Stylizer(TrainedStyle(network, StyleMetadata(style="night")), device="cpu")


@pytest.mark.usefixtures("_plain_format")
def test_a_new_format_is_stylized_into_and_out_of(
    tmp_path: Path, make_photo: MakePhoto, stylizer: Stylizer
) -> None:
    save_picture(load_picture_bytes(make_photo(tmp_path / "a.png")), tmp_path / "in" / "a.plain")
    [job] = plan([str(tmp_path / "in")], None, "night")
    assert job.target.name == "a.night.plain"
    assert stylize_files(FilePipeline(stylizer), [job]) == 0
    [back] = plan([str(job.target)], str(tmp_path / "back.png"), "night")
    assert stylize_files(FilePipeline(stylizer), [back]) == 0
    assert load_picture_bytes(back.target).pixels.shape == (3, 40, 48)


@pytest.mark.usefixtures("_plain_format")
def test_a_file_of_a_new_format_is_known_by_its_contents(tmp_path: Path) -> None:
    save_picture(Picture(torch.zeros(3, 4, 6), torch.zeros(1, 4, 6)), tmp_path / "a.plain")
    path = (tmp_path / "a.plain").rename(tmp_path / "download")
    assert probe(path).format.name == "PLAIN"
    assert load_picture_bytes(path).pixels.min() == 255
    [job] = plan([str(path)], None, "night")
    assert job.target.name == "download.night.plain"


@pytest.mark.usefixtures("_plain_format")
def test_what_the_row_does_not_have_is_refused(tmp_path: Path) -> None:
    picture = Picture(torch.zeros(3, 4, 6), bit_depth=16)
    save_picture(picture, tmp_path / "a.pln")
    assert probe(tmp_path / "a.pln").bit_depth == 8


def test_without_its_row_a_format_is_neither_read_nor_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot write"):
        save_picture(Picture(torch.zeros(3, 4, 6)), tmp_path / "a.plain")
