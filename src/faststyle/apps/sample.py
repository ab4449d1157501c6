"""A small drawn landscape, which shows what a style does before a visitor has chosen a photo."""

import base64
from functools import cache
from io import BytesIO

import torch
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from faststyle.images.contact_sheet import contact_sheet
from faststyle.images.pillow import pil_to_tensor, to_pil
from faststyle.images.pixels import Picture, to_unit
from faststyle.styles import TrainedStyle
from faststyle.stylize.stylizer import Stylizer

#: Side of what shows a style on a page, in pixels.
SIDE = 192
_SKY = (70, 120, 190), (240, 205, 160)
#: Corners in hundredths of the picture's sides, and a color: hills, and a house with its roof.
_SHAPES = (
    (((0, 66), (30, 48), (62, 66), (100, 52), (100, 100), (0, 100)), (96, 120, 110)),
    (((0, 80), (45, 66), (100, 84), (100, 100), (0, 100)), (72, 104, 52)),
    (((58, 60), (78, 60), (78, 82), (58, 82)), (225, 215, 195)),
    (((54, 60), (68, 46), (82, 60)), (150, 60, 45)),
    (((65, 70), (71, 70), (71, 82), (65, 82)), (80, 60, 50)),
)


def sample_picture(size: int) -> Tensor:
    """The landscape, uint8 (3, size, size)."""
    scale = 4 * size / 100  # drawn four times as large, for smooth edges
    top, bottom = (torch.tensor(color, dtype=torch.float32) for color in _SKY)
    rows = torch.linspace(0, 1, 4 * size)[:, None, None]
    sky = torch.lerp(top, bottom, rows).expand(-1, 4 * size, -1)
    picture = Image.fromarray(sky.round().to(torch.uint8).numpy())
    draw = ImageDraw.Draw(picture)
    draw.ellipse([part * scale for part in (14, 12, 34, 32)], fill=(255, 235, 190))
    for corners, color in _SHAPES:
        draw.polygon([(x * scale, y * scale) for x, y in corners], fill=color)
    picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    return pil_to_tensor(picture.filter(ImageFilter.GaussianBlur(size / 400)))


def sample_address(stylizer: Stylizer, size: int = SIDE) -> str:
    """The stylized landscape, ``size`` pixels high and wide, as an address that holds it all."""
    [stylized] = stylizer.process([Picture(sample_picture(size))])
    content = base64.b64encode(_encode(stylized.pixels, "WEBP")).decode()
    return f"data:image/webp;base64,{content}"


def sample_sheet(style: TrainedStyle, size: int = 256) -> Picture:
    """The landscape, and what each style of a file makes of it, in rows of four.

    Raises ``UserError`` as :class:`Stylizer`.
    """
    landscape = Picture(to_unit(sample_picture(size)))
    panels = [(landscape.pixels, "")]
    for name in style.metadata.names() or ("",):
        stylizer = Stylizer(style, "cpu", "32", {name: 1.0} if name else {})
        panels.append((stylizer.process([landscape])[0].pixels, name))
    return contact_sheet([panels[at : at + 4] for at in range(0, len(panels), 4)], size)


@cache
def sample_file(size: int = 768) -> bytes:
    """The landscape as a JPEG file, for those who have no photo at hand."""
    return _encode(sample_picture(size), "JPEG")


def _encode(pixels: Tensor, format: str) -> bytes:
    file = BytesIO()
    to_pil(pixels).save(file, format, quality=90)
    return file.getvalue()
