import base64
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from faststyle.apps.sample import sample_address, sample_file, sample_picture, sample_sheet
from faststyle.stylize.stylizer import Stylizer
from tests.several import several_styles


@pytest.mark.parametrize("size", [24, 96, 200])
def test_the_sample_has_the_size_and_the_colors_of_a_landscape(size: int) -> None:
    picture = sample_picture(size)
    assert picture.shape == (3, size, size)
    assert picture.dtype == torch.uint8
    red, _, blue = picture[:, : size // 20, :].float().mean((1, 2))
    assert blue > 1.5 * red, "sky above"
    red, green, blue = picture[:, -size // 20 :, :].float().mean((1, 2))
    assert green > max(red, blue), "grass below"


def test_its_stylized_version_is_held_by_an_address() -> None:
    stylizer = Stylizer(several_styles(), device="cpu", mix={"wave": 1})
    kind, _, data = sample_address(stylizer, 32).partition(",")
    assert kind == "data:image/webp;base64"
    found = torch.from_numpy(np.array(Image.open(BytesIO(base64.b64decode(data)))))

    def distance(name: str) -> float:
        stylizer.mix({name: 1})
        expected = stylizer(sample_picture(32)).permute(1, 2, 0)
        return (found.float() - expected.float()).abs().mean().item()

    assert distance("wave") < distance("night") / 2, "compressed, but not another style's"


def test_the_landscape_is_a_file_for_those_without_a_photo() -> None:
    image = Image.open(BytesIO(sample_file(80)))
    assert (image.format, image.size) == ("JPEG", (80, 80))
    found = torch.from_numpy(np.array(image)).permute(2, 0, 1)
    assert (found.float() - sample_picture(80).float()).abs().mean() < 4


def test_a_sheet_shows_the_landscape_and_each_style_of_a_file() -> None:
    style = several_styles()
    sheet = sample_sheet(style, 64).pixels
    assert sheet.shape[2] == 3 * 64 + 2 * 8
    landscape = sample_picture(64)
    assert (sheet[:, :64, :64] - landscape / 255).abs().max() < 0.01
    wave = Stylizer(style, device="cpu", mix={"wave": 1})(landscape)
    assert (sheet[:, :64, -64:] - wave / 255).abs().max() < 0.01
