"""Encoding stylized frames, with the clip's times, colors and sound."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
from av.video.stream import VideoStream
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.inference.video.reader import Clip, Frame, Item, Packet
from faststyle.pictures.pillow import to_array

#: Visually lossless, and of ordinary size. Other codecs are given bits by the pixel.
_OPTIONS = {
    "libx264": {"crf": "18"},
    "libvpx-vp9": {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"},
}
_BITS_PER_PIXEL = 0.2
# FFmpeg numbers the matrices of colors one way in files (AVColorSpace) and another in conversion.
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
_DEFAULT_MATRIX, _RGB, _UNSPECIFIED = 5, 0, 2


class Writer:
    """A clip in the making, like ``clip`` but for its pixels; a context manager.

    Args:
        path: the file to write, overwritten.
        clip: the source, whose sound is copied as it is.

    Raises:
        UserError: a file name of no known format, or a format that cannot hold this sound.
    """

    def __init__(self, path: Path, clip: Clip) -> None:
        self.clip, self.suffix = clip, path.suffix
        try:
            self.container = av.open(str(path), "w")
        except ValueError:
            raise UserError(f'"{path.suffix}" is no format of clips; use .mp4 or .mkv') from None
        self.video: VideoStream | None = None
        self.sound = {}
        for stream in clip.sound:
            try:
                self.sound[stream.index] = self.container.add_stream_from_template(stream)
            except ValueError:
                raise UserError(
                    f"{path.suffix} files cannot hold {stream.name} sound; use .mkv, which can"
                ) from None
        self.waiting: list[Packet] = []

    def write(self, item: Item) -> None:
        """Encode a frame, or copy a packet of sound. Raises ``OSError``, e.g. on a full disk."""
        with self._errors_for_people():
            self._write(item)

    def _write(self, item: Item) -> None:
        if isinstance(item, Frame):
            pixels = _even(item.pixels)
            if self.video is None:
                self.video = self._add_video(pixels, item)
            self._mux(self.video.encode(self._encodable(pixels, item)))
            return
        item.stream = self.sound[item.stream.index]
        self._mux([item])

    def _mux(self, packets: list[Packet]) -> None:
        """Once all streams are known: the file's header lists them."""
        self.waiting += packets
        if self.video is not None:
            self.container.mux(self.waiting)
            self.waiting = []

    def _add_video(self, pixels: Tensor, frame: Frame) -> VideoStream:
        codec = self.container.default_video_codec
        if "h264" in self.container.supported_codecs:
            codec = "libx264"
        elif codec == "vp9":
            codec = "libvpx-vp9"
        stream = self.container.add_stream(codec, rate=self.clip.rate)
        assert isinstance(stream, VideoStream)
        context = stream.codec_context
        context.height, context.width = pixels.shape[1:]
        context.time_base = self.clip.time_base
        context.pix_fmt = _pixel_format(codec)
        if aspect := self._aspect(pixels):
            context.sample_aspect_ratio = aspect
        matrix, context.color_range, context.color_trc, context.color_primaries = frame.colors
        context.colorspace = _UNSPECIFIED if matrix == _RGB else matrix
        if codec in _OPTIONS:
            context.options = dict(_OPTIONS[codec])
        else:
            per_second = context.width * context.height * float(self.clip.rate)
            context.bit_rate = round(_BITS_PER_PIXEL * per_second)
        return stream

    def _aspect(self, pixels: Tensor) -> Fraction | None:
        """Of a pixel: as before, or on its side if the frames have been turned."""
        aspect = self.clip.video.sample_aspect_ratio
        height, width = pixels.shape[1:]
        source = self.clip.video.codec_context
        turned = (width > height) != (source.width > source.height)
        return 1 / aspect if aspect and turned else aspect

    def _encodable(self, pixels: Tensor, frame: Frame) -> av.VideoFrame:
        assert self.video is not None
        encodable = av.VideoFrame.from_ndarray(to_array(pixels), format="rgb24").reformat(
            format=self.video.codec_context.pix_fmt,
            dst_colorspace=_MATRICES.get(frame.colors[0], _DEFAULT_MATRIX),
            dst_color_range=frame.colors[1],
        )
        encodable.pts, encodable.time_base = frame.time, self.clip.time_base
        return encodable

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        """Make what has been written a whole file, unless that has failed."""
        if error is not None:
            with suppress(av.FFmpegError):  # the same once more
                self.container.close()
            return
        with self._errors_for_people():
            if self.video is not None:
                self._mux(self.video.encode(None))
            self.container.close()

    @contextmanager
    def _errors_for_people(self) -> Iterator[None]:
        try:
            yield
        except av.FFmpegError as error:
            if error.errno == errno.EINVAL:
                raise UserError(f"{self.suffix} files cannot hold such a clip; try .mkv") from None
            raise OSError(error.errno, error.strerror) from None


def _even(pixels: Tensor) -> Tensor:
    """Without the last row or column if there is an odd one: colors are stored by 2 x 2 pixels."""
    height, width = pixels.shape[1:]
    return pixels[:, : height - height % 2 or 1, : width - width % 2 or 1]


def _pixel_format(codec: str) -> str:
    """What players expect, if the codec knows it."""
    formats = [form.name for form in av.Codec(codec, "w").video_formats or []]
    return "yuv420p" if not formats or "yuv420p" in formats else formats[0]
