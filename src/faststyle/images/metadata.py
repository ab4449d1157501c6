"""What a photo says of itself, and stays true of a result: date, author, rights, resolution.

Places, makers' notes, thumbnails and the orientation are left out. A panorama stays one as long as
it has its size.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from PIL import Image, ImageFile, IptcImagePlugin, PngImagePlugin

SOFTWARE, XMP = 0x0131, 700
_DESCRIPTION, _ARTIST, _COPYRIGHT, _RESOLUTION = 0x010E, 0x013B, 0x8298, (0x011A, 0x011B, 0x0128)
_INCH = 2
#: Besides: the date of the file; title, comment, author, keywords and subject of Windows.
_TAGS = {_DESCRIPTION, _ARTIST, _COPYRIGHT, *_RESOLUTION, 0x0132, *range(0x9C9B, 0x9CA0)}
_EXIF_GROUP, _TAKEN = 0x8769, 0x9003
#: In that group: when it was taken and digitized, with zones and fractions; a comment.
_OF_EXIF = {_TAKEN, 0x9004, *range(0x9010, 0x9013), *range(0x9290, 0x9293), 0x9286}
_TEXTS = ("Title", "Author", "Description", "Copyright", "Creation Time", "Comment")
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_PANORAMA = "http://ns.google.com/photos/1.0/panorama/"
_DUBLIN = "{http://purl.org/dc/elements/1.1/}"
_XMP_DATES = (
    "{http://ns.adobe.com/photoshop/1.0/}DateCreated",
    "{http://ns.adobe.com/xap/1.0/}CreateDate",
)
#: Where else these are said: IPTC's numbers, names in XMP and in a PNG.
_ELSEWHERE: Mapping[int, tuple[int, str, str]] = {
    _DESCRIPTION: (120, f"{_DUBLIN}description", "Description"),
    _ARTIST: (80, f"{_DUBLIN}creator", "Author"),
    _COPYRIGHT: (116, f"{_DUBLIN}rights", "Copyright"),
}
_HEAD = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
_BODY = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}"><rdf:Description'
    ' rdf:about="" xmlns:GPano="{panorama}" {said}/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


@dataclass(frozen=True)
class Metadata:
    """What stays true of a result.

    Args:
        size: height and width of the photo.
        tags: of EXIF or TIFF, by number.
        exif: of EXIF's own group.
        texts: of a PNG, by keyword.
        panorama: what makes it one of 360 degrees (GPano), by name.
        dpi: pixels an inch.
    """

    size: tuple[int, int]
    tags: Mapping[int, Any] = field(default_factory=dict)
    exif: Mapping[int, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    panorama: Mapping[str, str] = field(default_factory=dict)
    dpi: tuple[float, float] | None = None

    def xmp(self, size: tuple[int, int]) -> bytes:
        """The panorama of a result of a height and width, or nothing."""
        if not self.panorama or size != self.size:
            return b""
        said = " ".join(f"GPano:{name}={quoteattr(text)}" for name, text in self.panorama.items())
        return (_HEAD + _BODY.format(rdf=_RDF[1:-1], panorama=_PANORAMA, said=said)).encode()


def read_metadata(image: ImageFile.ImageFile, size: tuple[int, int]) -> Metadata:
    """What can be read of a decoded image of a height and width; damage is passed over."""
    exif = _attempt(image.getexif, Image.Exif())
    group = _attempt(lambda: exif.get_ifd(_EXIF_GROUP), {})
    tags = {tag: _as_bytes(value) for tag, value in _pick(exif, _TAGS)}
    said = dict(_pick(group, _OF_EXIF)) | dict(_pick(exif, _OF_EXIF))  # the latter is of TIFF/EP
    texts = {name: str(image.info[name]) for name in _TEXTS if name in image.info}
    xmp = _attempt(lambda: _read_xmp(image.info), {})
    iptc: Mapping[Any, Any] = _attempt(lambda: IptcImagePlugin.getiptcinfo(image), None) or {}
    for tag, (number, name, keyword) in _ELSEWHERE.items():
        other = iptc.get((2, number)) or xmp.get(name) or texts.get(keyword)
        if other and not tags.get(tag):
            tags[tag] = other if isinstance(other, bytes) else str(other).encode()
    date = next((xmp[name] for name in _XMP_DATES if name in xmp), "")
    if date[10:11] == "T" and _TAKEN not in said:
        said[_TAKEN] = f"{date[:10]} {date[11:19]}".replace("-", ":")
    dpi = _attempt(lambda: tuple(map(float, image.info["dpi"])), ())
    if len(dpi) != 2 or min(dpi) <= 1:
        dpi = None
    elif not tags.keys() & set(_RESOLUTION):
        tags |= dict(zip(_RESOLUTION, (*dpi, _INCH), strict=True))
    panorama = {
        name.rpartition("}")[2]: text
        for name, text in xmp.items()
        if name[1:].startswith(_PANORAMA)
    }
    return Metadata(size, tags, said, texts, panorama, dpi)


def make_exif(software: str, metadata: Metadata | None) -> Image.Exif:
    """EXIF of a result."""
    exif = Image.Exif()
    exif[SOFTWARE] = software
    if metadata is not None:
        exif.update(metadata.tags)
        if metadata.exif:
            exif.get_ifd(_EXIF_GROUP).update(metadata.exif)
            exif[_EXIF_GROUP] = dict(metadata.exif)  # which Pillow wants for a TIFF
    return exif


def make_texts(metadata: Metadata, size: tuple[int, int]) -> PngImagePlugin.PngInfo:
    """Texts of a PNG, its XMP among them."""
    info = PngImagePlugin.PngInfo()
    for name, text in metadata.texts.items():
        info.add_text(name, PngImagePlugin.iTXt(text))
    if xmp := metadata.xmp(size):
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
    return info


def _attempt(read: Callable[[], Any], default: Any) -> Any:
    with suppress(Exception):  # of many kinds, for damage
        return read()
    return default


def _pick(exif: Any, wanted: set[int]) -> Iterator[tuple[int, Any]]:
    """Those tags that can be read, each with its value."""
    for tag in wanted:
        with suppress(Exception):  # as above
            if (value := exif.get(tag)) is not None:
                yield tag, value


def _as_bytes(value: Any) -> Any:
    """A text as the bytes of the file, which Pillow takes for Latin-1 and writes as ASCII."""
    return value.encode("latin-1", "replace") if isinstance(value, str) else value


def _read_xmp(info: Mapping[Any, Any]) -> dict[str, str]:
    """Texts by ``{namespace}name``; of several in a list all, of several languages the first."""
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp") or b""
    xmp = xmp.encode() if isinstance(xmp, str) else xmp
    if not xmp or b"<!" in xmp:  # what may be entities that grow
        return {}
    found: dict[str, str] = {}
    for each in ElementTree.fromstring(xmp.strip(b"\0 \n")).iter(f"{_RDF}Description"):
        found |= each.attrib
        for child in each:
            items = [item.text or "" for item in child.iter(f"{_RDF}li")]
            is_list = child.find(f"{_RDF}Alt") is None
            joined = "; ".join(items) if is_list else items[0]
            found[child.tag] = joined or (child.text or "").strip()
    return found
