import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from faststyle.images.arrays import to_pictures
from faststyle.images.pixels import to_unit

BYTES = torch.randint(0, 256, (2, 3, 6, 5), generator=torch.Generator().manual_seed(0)).byte()


def forms() -> dict[str, Any]:
    channels_last = BYTES.permute(0, 2, 3, 1).contiguous().numpy()
    return {
        "tensors": BYTES / 255,
        "tensor": BYTES[0] / 255,
        "double": BYTES.double() / 255,
        "bytes": BYTES,
        "arrays": channels_last,
        "array": channels_last[1],
        "read-only array": np.frombuffer(channels_last[0].tobytes(), np.uint8).reshape(6, 5, 3),
        "mirrored array": np.ascontiguousarray(channels_last[0][:, ::-1])[:, ::-1],
        "float array": channels_last.astype(np.float32) / 255,
        "pillow": Image.fromarray(channels_last[0]),
    }


@pytest.mark.parametrize("name", forms())
def test_every_form_becomes_pictures_and_comes_back_as_it_was(name: str) -> None:
    photos = forms()[name]
    pictures, back = to_pictures(photos)
    assert {picture.pixels.shape for picture in pictures} == {(3, 6, 5)}
    index = 1 if name == "array" else 0
    torch.testing.assert_close(to_unit(pictures[0].pixels).float(), BYTES[index] / 255)
    result = back(pictures)
    assert type(result) is type(photos)
    if isinstance(photos, Image.Image):
        assert result.mode == "RGB"
    else:
        assert result.dtype == photos.dtype
        assert result.shape == photos.shape
    np.testing.assert_allclose(np.asarray(result), np.asarray(photos), atol=1e-7)


@given(st.sampled_from(["L", "P", "RGBA", "LA", "CMYK", "1", "I;16"]))
def test_pillow_images_of_every_mode_become_rgb_and_keep_their_transparency(mode: str) -> None:
    image = (
        Image.new("RGB", (7, 9), "orange").convert("L").convert("I;16")
        if mode == "I;16"
        else (Image.new("RGB", (7, 9), "orange").convert(mode))
    )
    [picture], back = to_pictures(image)
    assert picture.size == (9, 7)
    assert back([picture]).mode == ("RGBA" if mode in ("RGBA", "LA") else "RGB")
    assert back([picture]).size == (7, 9)


@pytest.mark.parametrize(("mode", "multiplied"), [("LA", "La"), ("RGBA", "RGBa")])
def test_colors_that_are_multiplied_by_alpha_are_divided_by_it(mode: str, multiplied: str) -> None:
    """By the definition: 100 of 255 at an alpha of 128 is stored as 50."""
    values = np.full((4, 5, len(mode)), 100, np.uint8)
    values[..., -1] = 128
    [picture], back = to_pictures(Image.fromarray(values, mode).convert(multiplied))
    assert (picture.pixels.int() - 100).abs().max() <= 1
    assert back([picture]).getpixel((0, 0))[3] == 128


def test_what_is_no_photo_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(N, 3, H, W\) or \(3, H, W\), not \(5, 6\)"):
        to_pictures(torch.zeros(5, 6))
    with pytest.raises(ValueError, match=r"\(N, H, W, 3\) or \(H, W, 3\), not \(6, 5, 4\)"):
        to_pictures(np.zeros((6, 5, 4)))
    with pytest.raises(TypeError, match="str"):
        to_pictures("photo.jpg")


@pytest.mark.parametrize(
    ("photos", "message"),
    [
        (torch.full((3, 4, 4), 200.0), "must lie in [0, 1]; these reach 200.0"),
        (torch.full((3, 4, 4), -0.5), "must lie in [0, 1]"),
        (torch.full((3, 4, 4), torch.nan), "must lie in [0, 1]"),
        (torch.zeros(0, 3, 4, 4), "hold no pixels"),
        (np.zeros((4, 4, 3), dtype=np.uint16), "must be uint8 or float"),
        (torch.zeros(3, 4, 4, dtype=torch.int64), "must be uint8 or float"),
    ],
)
def test_values_that_would_give_a_wrong_picture_are_refused(photos: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        to_pictures(photos)


def test_a_pillow_image_is_turned_upright_as_the_command_does() -> None:
    image = Image.new("RGB", (7, 9), "orange")
    image.getexif()[0x0112] = 6
    [picture], back = to_pictures(image)
    assert picture.size == (7, 9)
    assert back([picture]).size == (9, 7)


def test_a_pillow_image_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="no pixels"):
        to_pictures(Image.new("RGB", (0, 5)))
