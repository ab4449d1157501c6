"""What a photo says of itself stays where it stays true; the place never does."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from faststyle.images.files import load_picture_bytes, save_picture
from faststyle.images.pixels import Picture

XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="48,8N"
 GPano:ProjectionType="equirectangular" GPano:FullPanoWidthPixels="32">
<dc:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Bob</rdf:li></rdf:Seq></dc:creator>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
TAKEN, DESCRIPTION, ARTIST, RIGHTS, ORIENTATION = 0x9003, 0x010E, 0x013B, 0x8298, 0x0112
EXIF, GPS, MAKER = 0x8769, 0x8825, 0x927C


def photo(path: Path) -> Picture:
    exif = Image.Exif()
    exif[DESCRIPTION], exif[RIGHTS] = "a lake", "© Müller".encode()
    exif[ORIENTATION] = 1
    exif.get_ifd(EXIF).update({TAKEN: "2019:01:02 03:04:05", MAKER: b"SECRETMAKER"})
    exif.get_ifd(GPS).update({1: "N", 2: (48.0, 8.0, 0.0)})
    Image.new("RGB", (32, 16)).save(path, exif=exif, xmp=XMP, dpi=(300, 300))
    return load_picture_bytes(path)


def said(path: Path) -> tuple[dict[int, Any], dict[int, Any], str]:
    """Tags, those of EXIF's own group, and XMP, as Pillow reads them."""
    with Image.open(path) as image:
        image.load()
        exif = image.getexif()
        group = exif.get_ifd(EXIF) or {TAKEN: exif.get(TAKEN)}
        xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return dict(exif), dict(group), xmp if isinstance(xmp, str) else xmp.decode()


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", ["b.jpg", "b.png", "b.tif", "b.webp", "b.avif"])
def test_date_author_rights_description_and_panorama_stay(
    tmp_path: Path, name: str, bits: int
) -> None:
    save_picture(photo(tmp_path / "a.jpg").with_depth(bits), tmp_path / name)
    tags, group, xmp = said(tmp_path / name)
    assert tags[DESCRIPTION] == "a lake"
    assert tags[ARTIST] == "Ann; Bob"
    assert tags[RIGHTS].encode("latin-1") == "© Müller".encode()
    assert float(tags[0x011A]) == 300
    assert group[TAKEN] == "2019:01:02 03:04:05"
    assert 'GPano:ProjectionType="equirectangular"' in xmp
    content = (tmp_path / name).read_bytes()
    assert GPS not in tags
    assert ORIENTATION not in tags or tags[ORIENTATION] == 1
    assert b"SECRETMAKER" not in content
    assert b"GPSLatitude" not in content


def test_a_panorama_of_another_size_is_none(tmp_path: Path) -> None:
    save_picture(photo(tmp_path / "a.jpg").scaled(8), tmp_path / "b.jpg")
    tags, _, xmp = said(tmp_path / "b.jpg")
    assert tags[DESCRIPTION] == "a lake"
    assert "GPano" not in xmp


@pytest.mark.parametrize("name", ["b.jpg", "b.png", "b.bmp"])
def test_resolution_stays_where_the_format_says_it(tmp_path: Path, name: str) -> None:
    save_picture(photo(tmp_path / "a.jpg"), tmp_path / name)
    assert Image.open(tmp_path / name).info["dpi"] == pytest.approx((300, 300), abs=0.01)


def test_nothing_stays_of_what_is_not_to_be_kept(tmp_path: Path) -> None:
    save_picture(replace(photo(tmp_path / "a.jpg"), metadata=None), tmp_path / "b.jpg")
    tags, group, xmp = said(tmp_path / "b.jpg")
    assert set(tags) == {0x0131}
    assert (group[TAKEN], xmp) == (None, "")


def test_texts_of_a_png_stay(tmp_path: Path) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "Jörg")
    texts.add_itxt("Description", "湖")
    texts.add_text("Software", "another")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", pnginfo=texts)
    picture = load_picture_bytes(tmp_path / "a.png")
    for name in ("b.png", "b.jpg"):
        save_picture(picture, tmp_path / name)
    with Image.open(tmp_path / "b.png") as image:
        assert (image.info["Author"], image.info["Description"]) == ("Jörg", "湖")
        assert "Software" not in image.info
    assert said(tmp_path / "b.jpg")[0][DESCRIPTION].encode("latin-1") == "湖".encode()


def test_tags_of_a_tiff_stay(tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "description": "a lake",
        "datetime": "2020:01:02 03:04:05",
        "metadata": None,
    }
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8, 3), "u2"), photometric="rgb", **options)
    save_picture(load_picture_bytes(tmp_path / "a.tif"), tmp_path / "b.tif")
    with tifffile.TiffFile(tmp_path / "b.tif") as found:
        page = found.pages[0]
        assert isinstance(page, tifffile.TiffPage)
        assert page.tags[DESCRIPTION].value == "a lake"
        assert page.tags[0x0132].value == "2020:01:02 03:04:05"


def test_iptc_of_a_jpeg_is_read(tmp_path: Path) -> None:
    records = b"".join(
        b"\x1c\x02" + bytes((number, 0, len(text))) + text
        for number, text in ((80, b"Ann"), (116, b"free"))
    )
    block = (
        b"8BIM\x04\x04\0\0" + len(records).to_bytes(4, "big") + records + bytes(len(records) % 2)
    )
    segment = b"Photoshop 3.0\0" + block
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG")
    content = file.getvalue()
    marker = b"\xff\xed" + (len(segment) + 2).to_bytes(2, "big") + segment
    (tmp_path / "a.jpg").write_bytes(content[:2] + marker + content[2:])
    save_picture(load_picture_bytes(tmp_path / "a.jpg"), tmp_path / "b.jpg")
    tags = said(tmp_path / "b.jpg")[0]
    assert (tags[ARTIST], tags[RIGHTS]) == ("Ann", "free")


@pytest.mark.parametrize("xmp", [b"<a", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"\xff\xfe"])
def test_xmp_that_is_odd_is_passed_over(tmp_path: Path, xmp: bytes) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", xmp=xmp)
    metadata = load_picture_bytes(tmp_path / "a.jpg").metadata
    assert metadata is not None
    assert not metadata.panorama


def test_a_tag_that_cannot_be_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo(tmp_path / "a.jpg")
    get = Image.Exif.__getitem__

    def damaged(exif: Image.Exif, tag: int) -> Any:
        if tag == RIGHTS:
            raise OSError("the file ends here")
        return get(exif, tag)

    monkeypatch.setattr(Image.Exif, "__getitem__", damaged)
    metadata = load_picture_bytes(tmp_path / "a.jpg").metadata
    assert metadata is not None
    assert metadata.tags[DESCRIPTION] == b"a lake"
    assert RIGHTS not in metadata.tags
