"""Hints on pictures in formats that are not read, by endings and by first bytes."""

from collections.abc import Mapping

#: Hints on formats that are not in the table, by suffix.
RAW_HINT = "a camera's raw file: develop it to JPEG or TIFF first"
_RAW = (
    ".nef .cr2 .cr3 .dng .arw .orf .rw2 .raf .pef .srw .nrw .crw .sr2 .srf .dcr .kdc .3fr .fff"
    " .mef .mos .mrw .erf .x3f .iiq .rwl .gpr .raw .cap .eip .bay .dcs .drf .k25 .ptx .pxn .rwz"
)
_DOCUMENT = "a document: export its pages as PNG first"
_SEQUENCE = "a sequence of HEIC pictures: convert it to PNG or to a clip first"
_OTHERS = (
    ".tga .ico .cur .icns .psd .psb .xcf .kra .ora .pcx .dcx .svg .svgz .exr .hdr .dds .ktx .ktx2"
    " .sgi .rgb .bw .qoi .xbm .xpm .wmf .emf .jxr .wdp .hdp .jls .jpm .jng .mng .fits .fit .fts"
    " .djvu .djv .bpg .flif .ras .sun .cin .dpx .dcm .pict .pct .afphoto .pdn .cdr .webp2 .wp2"
)
FOREIGN = {
    **dict.fromkeys(_RAW.split(), RAW_HINT),
    **dict.fromkeys(_OTHERS.split(), "in a format that is not read: convert it to PNG first"),
    **dict.fromkeys((".pdf", ".eps", ".ps", ".ai", ".indd"), _DOCUMENT),
    **dict.fromkeys((".heics", ".heifs", ".avcs", ".avci"), _SEQUENCE),
}
#: The first bytes of pictures that FFmpeg might take for clips, or that have no ending.
BEGINNINGS: Mapping[bytes, str] = {
    b"\xff\x0a": ".jxl",
    b"\0\0\0\x0cJXL ": ".jxl",
    b"II\xbc": ".jxr",
    b"\xff\xd8\xff\xf7": ".jls",
    b"%PDF": ".pdf",
    b"8BPS": ".psd",
    b"gimp xcf": ".xcf",
    b"v/1\x01": ".exr",
    b"#?RADIANCE": ".hdr",
    b"qoif": ".qoi",
    b"DDS ": ".dds",
    b"SIMPLE  =": ".fits",
    b"\x8bJNG": ".jng",
    b"\x8aMNG": ".mng",
    b"AT&TFORM": ".djvu",
}
#: Suffixes of pictures in the container of MP4, which FFmpeg takes for clips, by major brand.
BRANDS: Mapping[bytes, str] = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"mif1"), ".heic"),
    **dict.fromkeys((b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"), ".heics"),
    **dict.fromkeys((b"avif", b"avis"), ".avif"),
    b"crx ": ".cr3",
}
