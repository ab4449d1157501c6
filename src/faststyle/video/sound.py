"""Sound that the target cannot hold as it is, encoded anew."""

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import OutputContainer

#: The rates that an encoder knows, where they are few.
_RATES = {
    "aac": (48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000),
    "libopus": (48000, 24000, 16000, 12000, 8000),
    "libmp3lame": (48000, 44100, 32000),
    "mp2": (48000, 44100, 32000),
    "wmav2": (48000, 44100),
}
#: How encoders know so many loudspeakers, which others place at the side.
_AS_MANY = {4: ("quad", "4.0"), 5: ("5.0",), 6: ("5.1",), 7: ("6.1",), 8: ("7.1",)}
_BITS = 96_000  # a second, of each channel


class Sound:
    """A stream of sound for a file that is written, of that of another file.

    If it ``pads``, it begins with silence up to the first sample. If it ``begins_at_once``, the
    file has no times, and what the encoder puts in front stands in place of the first samples.
    Raises ``ValueError`` if the encoder ``codec`` knows no sound of this rate.
    """

    def __init__(
        self,
        container: OutputContainer,
        source: AudioStream,
        codec: str,
        pads: bool = False,
        begins_at_once: bool = False,
    ) -> None:
        known = _RATES.get(codec, (source.rate,))
        rate = source.rate if source.rate in known else known[0]
        layout = _layout(codec, rate, source)  # before there is a stream that cannot be filled
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, AudioStream)
        stream.codec_context.layout = layout
        stream.codec_context.bit_rate = _BITS * stream.codec_context.channels
        stream.codec_context.open()
        self._source, self.stream = source, stream
        self._resampler = self._new_resampler()
        self._pads, self._begins_at_once = pads, begins_at_once
        self._is_first = begins_at_once

    def encode(self, packet: "av.Packet[Any]") -> Iterator["av.Packet[Any]"]:
        """What a packet of the source becomes, as far as it can be decoded."""
        for frame in self._decode(packet):
            for part in (*self._silence(frame), *self._resampled(frame)):
                if self._is_first:  # it is about as long as what the encoder puts in front
                    self._is_first = False
                    continue
                yield from map(self._timed, self.stream.encode(part))

    def end(self) -> Iterator["av.Packet[Any]"]:
        """What the decoder and the encoder have held back."""
        parts = [part for frame in self._decode(None) for part in self._resampled(frame)]
        for part in (*parts, *self._resampler.resample(None), None):
            yield from map(self._timed, self.stream.encode(part))

    def _timed(self, packet: Any) -> Any:
        """Not before 0 where that would put off the frames instead, by a whole one."""
        if self._begins_at_once:
            packet.pts, packet.dts = max(packet.pts, 0), max(packet.dts, 0)
        return packet

    def _decode(self, packet: "av.Packet[Any] | None") -> list[av.AudioFrame]:
        try:
            return self._source.decode(packet)
        except av.FFmpegError:
            return []

    def _silence(self, before: av.AudioFrame) -> Iterator[av.AudioFrame]:
        """All that goes before the first frame, but for a part that is shorter than one."""
        if not self._pads or before.time is None:
            return
        self._pads = False
        context = self.stream.codec_context
        size = context.frame_size
        for number in range(int(before.time * context.rate / size) if size else 0):
            silent = av.AudioFrame(context.format.name, context.layout.name, size)
            for plane in silent.planes:
                plane.update(bytes(plane.buffer_size))
            silent.sample_rate, silent.pts = context.rate, number * size
            silent.time_base = Fraction(1, context.rate)
            yield silent

    def _resampled(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        try:
            return self._resampler.resample(frame)
        except ValueError:  # the sound has another form from here on, as in broadcasts
            rest = self._resampler.resample(None)
            self._resampler = self._new_resampler()
            return rest + self._resampler.resample(frame)

    def _new_resampler(self) -> av.AudioResampler:
        context = self.stream.codec_context
        size = context.frame_size or None
        return av.AudioResampler(context.format, context.layout, context.rate, size)


def _layout(codec: str, rate: int, source: AudioStream) -> str:
    """The source's loudspeakers, or else as many in other places, or two."""
    for layout in (source.layout.name, *_AS_MANY.get(source.channels, ()), "stereo"):
        trial = av.CodecContext.create(codec, "w")
        assert isinstance(trial, AudioCodecContext)
        trial.rate, trial.layout = rate, layout
        trial.bit_rate = _BITS * trial.channels
        trial.format = (trial.codec.audio_formats or [av.AudioFormat("fltp")])[0]
        with suppress(ValueError, av.FFmpegError):
            trial.open()
            return layout
    raise ValueError(f"{codec} knows no sound of {rate} Hz")
