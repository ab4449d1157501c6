"""One table of the formats of clips that are written, and what is taken for a clip."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from faststyle.images.formats import find_format, hint_of, hint_on
from faststyle.images.probe import is_picture

#: Frames a second that MPEG-1 and 2 know.
_NTSC = tuple(Fraction(thousands * 1000, 1001) for thousands in (24, 30, 60))
_STANDARD = (*_NTSC, *map(Fraction, (24, 25, 30, 50, 60)))

_WORST_CRF = {"libx264": 51, "libx265": 51, "libvpx-vp9": 63, "libsvtav1": 63}
_USUAL_QUALITY, _BITS_PER_PIXEL = 65, 0.2
#: What a file can say of its frames: matrix and range of their colors, aspect of their pixels.
SAYS_ALL = frozenset(("matrix", "range", "aspect"))


@dataclass(frozen=True)
class FrameCoding:
    """How frames are encoded.

    Args:
        codec: FFmpeg's name of the encoder.
        pixels: FFmpeg's name of their pixel format.
        options: of the encoder; without a quality among them (crf) it is given bits by the pixel.
        says: what of :data:`SAYS_ALL` files with such frames say.
    """

    codec: str
    pixels: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)
    says: frozenset[str] = SAYS_ALL

    def options_for(self, quality: int | None) -> dict[str, str]:
        """Of the encoder, for a quality from 1 to 100; none is visually lossless."""
        options = dict(self.options)
        if "crf" in options and quality is not None:
            # 0 would be without any loss, which few players know.
            options["crf"] = str(max(1, round(_WORST_CRF[self.codec] * (1 - quality / 100))))
        return options

    def bits_per_pixel(self, quality: int | None) -> float:
        """For an encoder that aims at bits: as for crf, 12 more of quality double them."""
        return _BITS_PER_PIXEL * 2 ** (((quality or _USUAL_QUALITY) - _USUAL_QUALITY) / 12)


@dataclass(frozen=True)
class ClipFormat:
    """What a file of a format holds.

    Args:
        video: how its frames are encoded.
        sound: the encoder for sound that cannot be copied; none in a file without sound.
        high_bit_depth: how frames of 10 bits are encoded, if they can be.
        transparent: how frames with transparency are encoded, if they can be.
        is_constant: whether frames follow each other at one rate.
        rates: the only rates there are, if they are few.
        fastest: frames a second at most.
        keeps_timecode: whether it says what a camera counts frames by.
        begins_at_once: whether sound has no times, so that late sound begins with silence.
        copies: FFmpeg's names of the sound and subtitles that are copied; none are all that it
            lets into such a file. It lets some in that it cannot finish, or that nobody reads.
    """

    video: FrameCoding
    sound: str | None
    high_bit_depth: FrameCoding | None = None
    transparent: FrameCoding | None = None
    is_constant: bool = False
    rates: tuple[Fraction, ...] = ()
    fastest: Fraction | None = None
    begins_at_once: bool = False
    keeps_timecode: bool = False
    copies: frozenset[str] | None = None


#: Visually lossless, and of ordinary size.
_H264 = FrameCoding("libx264", options={"crf": "18"})
_VP9_OPTIONS = {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"}
_COLORS = SAYS_ALL - {"aspect"}
_VP9 = FrameCoding("libvpx-vp9", options=_VP9_OPTIONS, says=_COLORS)
# Alternate reference frames are not compatible with transparency.
_VP9_ALPHA = FrameCoding("libvpx-vp9", "yuva420p", {**_VP9_OPTIONS, "auto-alt-ref": "0"}, _COLORS)
_PRORES = FrameCoding("prores_ks", "yuva444p10le", {"profile": "4444"}, SAYS_ALL - {"range"})

# In 10 bits few players know H.264, and this VP9 cannot.
_HEVC = FrameCoding("libx265", "yuv420p10le", {"crf": "18", "x265-params": "log-level=error"})
_AV1 = FrameCoding("libsvtav1", "yuv420p10le", {"crf": "20", "preset": "8"}, _COLORS)

_OF_MP4 = frozenset(("aac", "mp3", "ac3", "eac3", "alac", "opus", "mov_text"))
_OF_MOV = frozenset(("aac", "mp3", "ac3", "alac", "pcm_s16le", "pcm_s24le", "mov_text"))
_OF_WEBM = frozenset(("opus", "vorbis", "webvtt"))
_OF_TS = frozenset(("aac", "mp2", "mp3", "ac3", "eac3", "dvbsub", "dvb_subtitle"))
_OF_AVI, _OF_MPG = frozenset(("mp3", "ac3")), frozenset(("mp2", "ac3"))

# Players of AVI know no frames that come in another order than they are shown in.
_IN_ORDER = FrameCoding("libx264", options={"crf": "18", "bf": "0"})
_MPEG2 = FrameCoding("mpeg2video", says=SAYS_ALL - {"range"})
_WMV2 = FrameCoding("wmv2", says=frozenset(("aspect",)))

#: By the ending of a file's name. The first is what other clips become.
CLIP_FORMATS: Mapping[str, ClipFormat] = {
    ".mp4": ClipFormat(_H264, "aac", high_bit_depth=_HEVC, keeps_timecode=True, copies=_OF_MP4),
    ".m4v": ClipFormat(_H264, "aac", high_bit_depth=_HEVC, copies=_OF_MP4),
    ".mov": ClipFormat(
        _H264, "aac", _HEVC, transparent=_PRORES, keeps_timecode=True, copies=_OF_MOV
    ),
    ".mkv": ClipFormat(_H264, "aac", _HEVC, transparent=_VP9_ALPHA, keeps_timecode=True),
    ".webm": ClipFormat(
        _VP9, "libopus", _AV1, transparent=_VP9_ALPHA, keeps_timecode=True, copies=_OF_WEBM
    ),
    ".avi": ClipFormat(
        _IN_ORDER, "libmp3lame", is_constant=True, begins_at_once=True, copies=_OF_AVI
    ),
    ".ts": ClipFormat(_H264, "aac", high_bit_depth=_HEVC, copies=_OF_TS),
    ".3gp": ClipFormat(_H264, "aac", copies=frozenset(("aac",))),
    ".mpg": ClipFormat(_MPEG2, "mp2", is_constant=True, rates=_STANDARD, copies=_OF_MPG),
    ".wmv": ClipFormat(_WMV2, "wmav2", is_constant=True, copies=frozenset(("wmav2",))),
    # Browsers show frames that follow faster as if they were slow.
    ".gif": ClipFormat(FrameCoding("gif", "pal8", says=frozenset()), None, fastest=Fraction(50)),
}

#: What is taken for a clip by its ending. A GIF that goes in is a picture.
CLIP_SUFFIXES = frozenset(CLIP_FORMATS) - {".gif"}
#: Of MP4 and its kin, by their first bytes.
_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  ")


def is_clip(path: Path) -> bool:
    """Whether a file is taken for a clip: what neither is called nor reads like a picture.

    A clip may be called like one: what programs for messages save as GIF is often MP4.
    """
    if is_called_picture(path):
        return begins_like_a_clip(path)
    return not is_picture(path) and hint_on(path) is None


def is_called_picture(path: Path) -> bool:
    """Whether a file has the ending of a format of pictures, be it one that is read or not."""
    return find_format(path.suffix) is not None or hint_of(path.suffix) is not None


def begins_like_a_clip(path: Path) -> bool:
    """Whether the first bytes are those of a container of clips."""
    try:
        with path.open("rb") as file:
            start = file.read(12)
    except OSError:  # said when it is read
        return False
    if start[4:8] == b"ftyp":  # HEIC and AVIF begin so, too
        return start[8:12] in _BRANDS
    return start.startswith(b"\x1a\x45\xdf\xa3") or (start[:4], start[8:]) == (b"RIFF", b"AVI ")
