"""Contact sheets: pictures in rows and columns on white, for galleries and comparisons."""

from collections.abc import Sequence
from itertools import zip_longest

from PIL import Image, ImageDraw
from torch import Tensor

from faststyle.images.pillow import pil_to_tensor, to_pil
from faststyle.images.pixels import Picture, resample, to_unit

#: A picture and its caption, which may be empty.
Panel = tuple[Tensor, str]

_FONT, _CAPTION = 14, 22  # pixels


def contact_sheet(rows: Sequence[Sequence[Panel]], height: int, gap: int = 8) -> Picture:
    """Lay out pictures (3, H, W) in [0, 1], each scaled to ``height``, with captions under them.

    Each column is as wide as its widest picture. Pictures are centered in their columns, ``gap``
    pixels apart. A row without captions leaves no room for them.

    Raises ``ValueError`` if there are no pictures.
    """
    if not any(rows):
        raise ValueError("there are no pictures to lay out")
    scaled = [[(_scaled(picture, height), text) for picture, text in row] for row in rows]
    columns = zip_longest(*([picture.shape[2] for picture, _ in row] for row in scaled))
    widths = [max(width or 0 for width in column) for column in columns]
    heights = [height + _CAPTION * any(text for _, text in row) for row in scaled]
    size = sum(widths) + gap * (len(widths) - 1), sum(heights) + gap * (len(rows) - 1)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    top = 0
    for row, row_height in zip(scaled, heights, strict=True):
        left = 0
        for (picture, text), width in zip(row, widths, strict=False):
            sheet.paste(to_pil(picture), (left + (width - picture.shape[2]) // 2, top))
            middle = (left + width / 2, top + height + 4)
            draw.text(middle, text, fill="black", font_size=_FONT, anchor="ma")
            left += width + gap
        top += row_height + gap
    return Picture(to_unit(pil_to_tensor(sheet)))


def _scaled(picture: Tensor, height: int) -> Tensor:
    width = max(1, round(picture.shape[2] * height / picture.shape[1]))
    return resample(picture, (height, width))
