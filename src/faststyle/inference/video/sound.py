"""Sound that the target cannot hold as it is, encoded anew."""

from collections.abc import Iterator
from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import OutputContainer

#: The rates that an encoder knows, where they are few.
_RATES = {
    "libopus": (48000, 24000, 16000, 12000, 8000),
    "libmp3lame": (48000, 44100, 32000),
    "mp2": (48000, 44100, 32000),
    "wmav2": (48000, 44100),
}


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
        context = stream.codec_context
        context.layout = _layout(codec, rate, source)
        context.open()
        self._source, self.stream = source, stream
        self._resampler = av.AudioResampler(
            context.format, context.layout, context.rate, context.frame_size or None
        )

    def encode(self, packet: "av.Packet[Any]") -> Iterator["av.Packet[Any]"]:
        """What a packet of the source becomes, as far as it can be decoded."""
        try:
            frames = self._source.decode(packet)
        except av.FFmpegError:
            return
        for frame in frames:
            for part in self._resampler.resample(frame):
                yield from self.stream.encode(part)

    def end(self) -> Iterator["av.Packet[Any]"]:
        """The rest."""
        for part in self._resampler.resample(None):
            yield from self.stream.encode(part)
        yield from self.stream.encode(None)


def _layout(codec: str, rate: int, source: AudioStream) -> str:
    """The source's loudspeakers, or two where the encoder does not know these."""
    trial = av.CodecContext.create(codec, "w")
    assert isinstance(trial, AudioCodecContext)
    trial.rate, trial.layout = rate, source.layout.name
    trial.format = (trial.codec.audio_formats or [av.AudioFormat("fltp")])[0]
    try:
        trial.open()
    except (ValueError, av.FFmpegError):
        return "stereo"
    return source.layout.name
