"""Sound that the target cannot hold as it is, encoded anew."""

from collections.abc import Iterator
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer

#: The rates that an encoder knows, where they are few.
_RATES = {
    "libopus": (48000, 24000, 16000, 12000, 8000),
    "libmp3lame": (48000, 44100, 32000),
    "mp2": (48000, 44100, 32000),
    "wmav2": (48000, 44100),
}
_STEREO_AT_MOST = ("libmp3lame", "mp2", "wmav2")


class Sound:
    """A stream of sound for a file that is written.

    Args:
        container: that file.
        source: of the file that is read.
        codec: FFmpeg's name of the encoder.
    """

    def __init__(self, container: OutputContainer, source: AudioStream, codec: str) -> None:
        known = _RATES.get(codec, (source.rate,))
        rate = source.rate if source.rate in known else known[0]
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, AudioStream)
        is_many = source.channels > 2 and codec in _STEREO_AT_MOST
        stream.codec_context.layout = "stereo" if is_many else source.layout.name
        self._source, self.stream = source, stream
        self._resampler: av.AudioResampler | None = None

    def encode(self, packet: "av.Packet[Any]") -> Iterator["av.Packet[Any]"]:
        """What a packet of the source becomes, as far as it can be decoded."""
        try:
            frames = self._source.decode(packet)
        except av.FFmpegError:
            return
        for frame in frames:
            for part in self._resampled(frame):
                yield from self.stream.encode(part)

    def end(self) -> Iterator["av.Packet[Any]"]:
        """The rest."""
        if self._resampler is None:
            return
        for part in self._resampled(None):
            yield from self.stream.encode(part)
        yield from self.stream.encode(None)

    def _resampled(self, frame: av.AudioFrame | None) -> list[av.AudioFrame]:
        if self._resampler is None:
            context = self.stream.codec_context
            context.open(strict=False)
            self._resampler = av.AudioResampler(
                context.format, context.layout, context.rate, context.frame_size or None
            )
        return self._resampler.resample(frame)
