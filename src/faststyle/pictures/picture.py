"""A decoded picture, and what has to survive the way back to a file."""

from dataclasses import dataclass, replace

from torch import Tensor

from faststyle.pictures.pixels import to_unit

#: The opacity below which colors fade to white: black at half of it is 4 of 255 levels from white.
FAINT = 1 / 16


@dataclass(frozen=True)
class Picture:
    """A decoded picture and what has to survive the way back to a file.

    ``pixels``: (3, H, W), float32 in [0, 1] or uint8. ``alpha``: likewise (1, H, W), or none.
    ``icc_profile``: the color profile that ``pixels`` are in, or none for sRGB. ``bit_depth``: 8 or
    16, how many bits of a channel a file is to hold. ``masks``: where each of R styles goes, uint8
    (R, H, W), 255 being there, a later one covering earlier ones; or none if a style goes
    everywhere. ``kept``: how much of the photo stays whatever the style, uint8 (1, H, W), or none.
    """

    pixels: Tensor
    alpha: Tensor | None = None
    icc_profile: bytes | None = None
    bit_depth: int = 8
    masks: Tensor | None = None
    kept: Tensor | None = None

    def with_depth(self, bits: int | None) -> "Picture":
        """The same for a file of so many bits, 8 or 16; none keeps them.

        For 16 the pixels become float, since bytes would round what is computed of them.
        """
        if bits != 16:
            return replace(self, bit_depth=bits or self.bit_depth)
        alpha = None if self.alpha is None else to_unit(self.alpha)
        return replace(self, pixels=to_unit(self.pixels), alpha=alpha, bit_depth=16)

    def without_hidden(self) -> "Picture":
        """The same, white where it is transparent, and nearly so where it nearly is.

        A network would let the colors that nobody sees there change the rest. From an opacity of
        :data:`FAINT` on they are seen, and stay: white would show through in a shadow.
        """
        if self.alpha is None:
            return self
        is_float = self.pixels.is_floating_point()
        white = 1 if is_float else 255
        faint = (self.alpha < FAINT * white)[0]
        pixels = self.pixels.clone()
        shares = self.alpha[0, faint] / (FAINT * white)
        mixed = white - (white - pixels[:, faint]) * shares
        pixels[:, faint] = mixed if is_float else mixed.round().byte()
        return replace(self, pixels=pixels)
