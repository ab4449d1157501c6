"""Which stream of a file is stylized, which are left out, and which another file can hold."""

from io import BytesIO
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from faststyle.core.errors import UserError

_NOT_MOVING = (
    Disposition.attached_pic
    | Disposition.timed_thumbnails
    | Disposition.still_image
    | Disposition.dependent
)
#: A stream of these beside another is a cover, or a preview.
_OF_PICTURES = ("mjpeg", "png", "bmp", "gif", "webp", "tiff", "ljpeg")


def select_video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The video stream to stylize: of several the one that the file marks as its default.

    Raises ``UserError`` if there is none, as in a file of sound with a cover.
    """
    moving = [one for one in container.streams.video if not one.disposition & _NOT_MOVING]
    if not moving:
        if container.streams.audio:
            raise UserError(f"{path} is sound, and no clip")
        raise UserError(f"{path} has no video stream")
    known = [one for one in moving if one.codec_context is not None]
    if not known:
        raise UserError(f"{path} is encoded in a way that FFmpeg cannot decode here")
    return max(known, key=_rank)


def left_out(container: InputContainer, video: VideoStream) -> list[str]:
    """What the stylized clip lacks, as notes for people: other videos, covers, a camera's data."""
    others = [one for one in container.streams.video if one is not video]
    covers = sum(bool(one.disposition & _NOT_MOVING) or not _is_moving(one) for one in others)
    films = len(container.streams.video) - covers
    known = ("video", "audio", "subtitle", "attachment")
    unknown = [one for one in container.streams if one.type not in known]
    data = [one for one in unknown if "timecode" not in one.metadata]  # the film has that, too
    notes = {
        "its cover or preview is left out": covers,
        f"only one of its {films} films is stylized": films > 1,
        "its data (places, times of the camera) are left out": data,
    }
    return [note for note, is_so in notes.items() if is_so]


def _is_moving(stream: VideoStream) -> bool:
    return stream.codec_context is None or stream.codec_context.name not in _OF_PICTURES


def _rank(stream: VideoStream) -> tuple[bool, bool, int]:
    return _is_moving(stream), bool(stream.disposition & Disposition.default), -stream.index


def can_hold(name: str, stream: Stream) -> bool:
    """Whether FFmpeg begins a file of this format with the stream; it says so in no other way."""
    try:
        with av.open(BytesIO(), "w", format=name) as probe:
            probe.add_stream_from_template(stream)
            probe.start_encoding()
    except (ValueError, av.FFmpegError):
        return False
    return True
