"""What HDR10 says of a clip's light, so that screens with less of it know what to expect.

The colors and the light of the screen that it was made on (SMPTE ST 2086), and the light of its
brightest pixel and of its brightest frame (CTA-861.3). It stands in the video stream, so that the
encoder is told.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

import av
from av.sidedata.sidedata import Type

#: FFmpeg's AVMasteringDisplayMetadata, ten fractions of two integers and two flags, and its
#: AVContentLightMetadata.
_SCREEN, _LIGHT = struct.Struct("22i"), struct.Struct("2I")


@dataclass(frozen=True)
class Mastering:
    """What HDR10 says.

    Args:
        screen: x and y of its red, green, blue and white (CIE 1931), and its least and greatest
            light in cd/m2; none if that is not known.
        light: of the brightest pixel and the brightest frame, in cd/m2; none if that is not known.
    """

    screen: tuple[float, ...] | None
    light: tuple[int, int] | None

    def options_of(self, codec: str) -> Mapping[str, str]:
        """What tells FFmpeg's encoder ``codec`` so; none where it cannot be told."""
        if codec == "libx265":  # in steps of 1/50000, and of 0.0001 cd/m2
            return {"x265-params": self._format("master-display", 50_000, 10_000, "max-cll")}
        if codec == "libsvtav1":
            return {"svtav1-params": self._format("mastering-display", 0, 0, "content-light")}
        return {}

    def _format(self, name: str, colors: int, light: int, brightest: str) -> str:
        parts = []
        if self.screen is not None:
            red, green, blue, white = (
                ",".join(_format_number(value, colors) for value in self.screen[at : at + 2])
                for at in range(0, 8, 2)
            )
            least, most = (_format_number(value, light) for value in self.screen[8:])
            parts.append(f"{name}=G({green})B({blue})R({red})WP({white})L({most},{least})")
        if self.light is not None:
            parts.append(f"{brightest}={self.light[0]},{self.light[1]}")
        return ":".join(parts)


def find_mastering(decoded: av.VideoFrame) -> Mastering | None:
    """The mastering of a frame, or of its file; none if it has none."""
    screen = light = None
    if found := _find(decoded, Type.MASTERING_DISPLAY_METADATA, _SCREEN):
        *integers, has_colors, has_light = found
        pairs = list(zip(integers[::2], integers[1::2], strict=True))
        if has_colors and has_light and all(below for _, below in pairs):
            screen = tuple(above / below for above, below in pairs)
    if found := _find(decoded, Type.CONTENT_LIGHT_LEVEL, _LIGHT):
        light = found[0], found[1]
    return None if screen is light is None else Mastering(screen, light)


def _find(decoded: av.VideoFrame, kind: Type, form: struct.Struct) -> tuple[int, ...]:
    found = decoded.side_data.get(kind)  # type: ignore[call-overload]
    content = b"" if found is None else bytes(found)
    return form.unpack_from(content) if len(content) >= form.size else ()


def _format_number(value: float, steps: int) -> str:
    return str(round(value * steps)) if steps else f"{value:.5f}"
