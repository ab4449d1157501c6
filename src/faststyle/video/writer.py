"""Encoding stylized frames, with the clip's times, colors, sound and whatever else it holds."""

import errno
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
import torch
from av.audio.stream import AudioStream
from av.filter import Graph
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream

from faststyle.core.errors import UserError
from faststyle.files.clip_formats import CLIP_FORMATS, FrameCoding
from faststyle.images.hdr import HDR
from faststyle.images.pillow import to_array
from faststyle.video.colors import MATRICES, WIDE, Colors, complete
from faststyle.video.frames import Frame, Mastering
from faststyle.video.mp4_marks import add_boxes, stereo_box
from faststyle.video.pace import Pace
from faststyle.video.palette import palette_of_256
from faststyle.video.reader import Clip, Item, Packet
from faststyle.video.shape import Shape, cut, fit
from faststyle.video.sound import Sound
from faststyle.video.streams import can_hold
from faststyle.video.tags import copy_tags
from faststyle.video.timecode import advance

#: Seconds by which sound may be early without anybody's notice.
_LATE = 0.05
#: How H.264 says that a frame is two views, and its names in Matroska, by Matroska's number.
_PACKING_OF_H264 = {1: "3", 3: "4"}
_PACKING_NAMES = {1: "left_right", 2: "bottom_top", 3: "top_bottom", 11: "right_left"}
_OF_APPLE = (".mp4", ".m4v", ".mov")


class Writer(AbstractContextManager["Writer"]):
    """A clip in the making, like ``clip`` but for its pixels; a context manager.

    ``quality`` is from 1 to 100, and none is visually lossless. ``keeps_metadata``: whether what
    the clip says of itself stays. Raises ``UserError`` for a file name of no format in
    :data:`CLIP_FORMATS`.
    """

    def __init__(
        self, path: Path, clip: Clip, quality: int | None = None, keeps_metadata: bool = True
    ) -> None:
        self.clip, self.suffix, self._quality = clip, path.suffix, quality
        self._path, self._keeps_metadata = path, keeps_metadata
        if path.suffix.lower() not in CLIP_FORMATS:
            raise UserError(f'"{path.suffix}" is no format of clips; use .mp4 or .mkv')
        self.format = CLIP_FORMATS[path.suffix.lower()]
        self.container = av.open(str(path), "w")
        self._pace = Pace(self.format, clip.rate, clip.time_base, clip.seconds)
        self._is_gif = self.suffix.lower() == ".gif"
        self._palette: Graph | None = None
        self._video: VideoStream | None = None
        self._shape, self._is_scaled = Shape(0, 0, Fraction(1)), False
        self._colors = Colors()
        self._boxes = b""
        self._others: dict[int, Stream | Sound] = {}  # to be copied, or encoded anew
        self._waiting: list[Packet] = []
        #: What the file lacks or has in another form than the source, in words for people.
        self.notes: list[str] = []
        self._copy_metadata()
        for stream in clip.others:
            self._add_other(stream)

    def write(self, item: Item) -> None:
        """Encode a frame, or pass on a packet. Raises ``OSError``, e.g. on a full disk."""
        with self._errors_for_people():
            if isinstance(item, Frame):
                self._encode(item)
                return
            other = self._others.get(item.stream.index)
            if isinstance(other, Sound):
                self._mux(list(other.encode(item)))
            elif other is not None and item.size:
                item.stream = other
                self._mux([item])

    def _encode(self, frame: Frame) -> None:
        if self._video is None:
            self._video = self._add_video(frame)
        encodable = self._encodable(frame)
        for time in self._pace.times(frame.time):
            encodable.pts, encodable.time_base = time, self._pace.time_base
            self._mux(self._video.encode(encodable))

    def _mux(self, packets: list[Packet]) -> None:
        """Once all streams are known: the file's header lists them."""
        self._waiting += packets
        if self._video is not None:
            self.container.mux(self._waiting)
            self._waiting = []

    def _copy_metadata(self) -> None:
        copy_tags(self.clip.container, self.container, self._keeps_metadata)
        if chapters := self.clip.chapters:
            with suppress(ValueError):
                self.container.set_chapters(chapters)

    def _add_other(self, stream: Stream) -> None:
        """Copy a stream, or else encode sound anew, or else leave it out and say so."""
        name = stream.codec_context.name if stream.codec_context else "unknown"
        what = f"{name} {stream.type}"
        if self._is_gif:
            self.notes.append(f"{what} left out: {self.suffix} files have none")
            return
        added: Stream | None = None
        copies = self.format.copies
        is_known = copies is None or name.removesuffix("float") in copies
        is_late = self.format.begins_at_once and self.clip.late(stream) > _LATE
        if is_known and not is_late and can_hold(self.container.format.name, stream):
            added = self._others[stream.index] = self.container.add_stream_from_template(stream)
        is_read = stream.codec_context is not None
        if added is None and is_read and isinstance(stream, AudioStream) and self.format.sound:
            with suppress(ValueError, av.FFmpegError):
                sound = Sound(
                    self.container, stream, self.format.sound, is_late, self.format.begins_at_once
                )
                added, self._others[stream.index] = sound.stream, sound
                form = sound.stream.codec_context.name
                if sound.stream.channels != stream.channels:
                    form += f", {stream.channels} channels as {sound.stream.layout.name}"
                self.notes.append(f"{what} encoded anew as {form}")
        if added is None:
            why = f"{self.suffix} files cannot hold it; .mkv might"
            unread = "FFmpeg does not know it"
            self.notes.append(f"{what} left out: {why if stream.codec_context else unread}")
            return
        self._copy_tags(stream, added)

    def _copy_tags(self, source: Stream, target: Stream) -> None:
        """Title, language and the like, and what a player shows first."""
        copy_tags(source, target, self._keeps_metadata)
        target.disposition = source.disposition

    def _add_video(self, frame: Frame) -> VideoStream:
        coding = self._coding(frame)
        self._shape = self._fit(frame, coding)
        stream = self.container.add_stream(coding.codec, rate=self._pace.rate)
        assert isinstance(stream, VideoStream)
        context = stream.codec_context
        context.height, context.width, context.sample_aspect_ratio = self._shape
        context.time_base = self._pace.time_base
        context.pix_fmt = coding.pixels
        self._colors = complete(frame.colors, self._shape[:2], coding.says)
        context.colorspace, context.color_range = self._colors.matrix, self._colors.range
        context.color_trc, context.color_primaries = self._colors.transfer, self._colors.primaries
        if coding.codec == "libx265" and self.suffix.lower() in _OF_APPLE:
            context.codec_tag = "hvc1"  # Apple's players know H.265 by no other
        context.options = coding.options_for(self._quality)
        if frame.mastering is not None:
            self._add_mastering(frame.mastering, coding, context)
        if "crf" not in coding.options:
            per_second = context.width * context.height * float(self._pace.rate)
            context.bit_rate = round(coding.bits_per_pixel(self._quality) * per_second)
        self._copy_tags(self.clip.video, stream)
        self._add_marks(stream, frame.is_turned)
        self._advance_timecode(stream)
        kept = 10 if self.clip.is_high_bit_depth else 8
        if self.clip.bits > kept and frame.colors.transfer not in HDR:
            self.notes.append(f"{self.clip.bits} bits a channel become {kept}")
        if self._colors.primaries in WIDE and "matrix" not in coding.says:
            self.notes.append(f"its wide colors look paler: {self.suffix} files cannot say them")
        return stream

    def _add_marks(self, stream: VideoStream, is_turned: bool) -> None:
        """Say how two views are packed in a frame, and 360 degrees, or note that it is not said."""
        marks, is_mp4 = self.clip.marks, self.suffix.lower() in _OF_APPLE
        stream.metadata.pop("stereo_mode", None)
        stereo = stereo_box(marks.stereo) if is_mp4 and not is_turned else b""
        around = marks.spherical if is_mp4 and not is_turned and self._keeps_metadata else b""
        self._boxes = stereo + around
        if marks.stereo and (is_turned or not (self._say_stereo(stream) or stereo)):
            self.notes.append("its mark of two views (stereo) is left out")
        if marks.is_spherical and self._keeps_metadata and not around:
            self.notes.append("its 360-degree mark is left out")

    def _say_stereo(self, stream: VideoStream) -> bool:
        """Whether the film or its container says how two views are packed."""
        number, context = self.clip.marks.stereo, stream.codec_context
        if number in _PACKING_OF_H264 and context.name == "libx264":
            options = {"x264-params": f"frame-packing={_PACKING_OF_H264[number]}"}
            context.options = {**context.options, **options}
        elif number in _PACKING_NAMES and self.suffix.lower() in (".mkv", ".webm"):
            stream.metadata["stereo_mode"] = _PACKING_NAMES[number]
        else:
            return False
        return True

    def _advance_timecode(self, stream: VideoStream) -> None:
        """Have it say when the section begins, or note that it is not said."""
        for metadata in (stream.metadata, self.container.metadata):
            for key in [key for key in metadata if key.lower() == "timecode"]:
                metadata[key] = advance(metadata[key], self.clip.start, self.clip.rate)
                if not self.format.keeps_timecode:
                    self.notes.append("its timecode is left out")

    def _add_mastering(
        self, mastering: Mastering, coding: FrameCoding, context: VideoCodecContext
    ) -> None:
        told, options = mastering.options_of(coding.codec), context.options
        for name, text in told.items():
            options[name] = ":".join(filter(None, (options.get(name), text)))
        context.options = options
        if not told:
            self.notes.append("what HDR10 says of light is left out: its frames are transparent")

    def _coding(self, frame: Frame) -> FrameCoding:
        if frame.alpha is None:
            return (self.clip.is_high_bit_depth and self.format.high_bit_depth) or self.format.video
        if self.format.transparent is None:
            self.notes.append(f"transparency left out: {self.suffix} files have none; .webm has")
            return self.format.video
        return self.format.transparent

    def _fit(self, frame: Frame, coding: FrameCoding) -> Shape:
        """What frames are in the file: as they were, upright."""
        height, width = frame.pixels.shape[1:]
        aspect = self.clip.video.sample_aspect_ratio or Fraction(1)
        stated = Shape(height, width, 1 / aspect if frame.is_turned else aspect)
        shape = fit(stated, coding)
        self._is_scaled = shape.aspect != stated.aspect
        if not self._is_scaled and shape < stated:
            lost = f"{width} x {height} pixels: what is odd of a row or a column is left out"
            self.notes.append(lost)
        return shape

    def _encodable(self, frame: Frame) -> av.VideoFrame:
        assert self._video is not None
        has_16_bits = self.clip.is_high_bit_depth
        pixels, pixel_format = frame.pixels, "rgb48le" if has_16_bits else "rgb24"
        if frame.alpha is not None and self.format.transparent is not None:
            pixels = torch.cat((pixels, frame.alpha))
            pixel_format = "rgba64le" if has_16_bits else "rgba"
        height, width, _ = self._shape
        if not self._is_scaled:
            pixels = cut(pixels, height, width)
        array = to_array(pixels, bits=16 if has_16_bits else 8)
        picture = av.VideoFrame.from_ndarray(array, format=pixel_format)
        kind = Interpolation.BICUBIC if self._is_scaled else None
        if self._is_gif:
            picture = picture.reformat(width=width, height=height, interpolation=kind)
            self._palette = self._palette or palette_of_256(picture)
            self._palette.vpush(picture)
            return self._palette.vpull()
        return picture.reformat(
            width=width,
            height=height,
            interpolation=kind,
            format=self._video.codec_context.pix_fmt,
            dst_colorspace=MATRICES[self._colors.matrix],
            dst_color_range=self._colors.range,
        )

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        """Make what has been written a whole file, unless that has failed."""
        if error is not None:
            with suppress(av.FFmpegError):  # the same once more
                self.container.close()
            return
        with self._errors_for_people():
            if self._video is not None:
                for other in self._others.values():
                    self._mux(list(other.end()) if isinstance(other, Sound) else [])
                self._mux(self._video.encode(None))
            self.container.close()
        if self._boxes:
            add_boxes(self._path, self._boxes)
        self.notes += self._pace.notes

    @contextmanager
    def _errors_for_people(self) -> Iterator[None]:
        try:
            yield
        except av.FFmpegError as error:
            if error.errno == errno.EINVAL:
                hint = "" if self.suffix == ".mkv" else "; try .mkv"
                raise UserError(f"{self.suffix} files cannot hold such a clip{hint}") from None
            raise OSError(error.errno, error.strerror) from None
