import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from faststyle.core.errors import UserError
from faststyle.data.painting import Style
from faststyle.images import files

MakePhoto = Callable[..., Path]


def test_the_image_is_scaled_so_that_its_short_side_is_size(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    path = make_photo(tmp_path / "a.png", width=60, height=30)
    [(pixels, weight)] = Style("mine", image=str(path), size=20).load()
    assert pixels.shape == (3, 20, 40)
    assert weight == 1


def test_of_a_cropped_image_that_part_is_learnt(tmp_path: Path, make_photo: MakePhoto) -> None:
    path = make_photo(tmp_path / "a.png", width=40, height=30)
    part = tmp_path / "part.png"
    Image.open(path).crop((10, 3, 30, 27)).save(part)
    style = Style("mine", image=str(path), size=20, crop=(0.25, 0.1, 0.75, 0.9))
    assert torch.equal(style.load()[0][0], Style("part", image=str(part), size=20).load()[0][0])


def test_a_cropped_image_is_read_as_large_as_its_part_needs(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    path = make_photo(tmp_path / "a.jpg", width=640, height=640)
    part = Style("mine", image=str(path), size=80, crop=(0, 0, 1, 0.125)).load()[0][0]
    whole = Style("mine", image=str(path), size=640).load()[0][0]
    assert torch.equal(part, whole[:, :80])


def test_the_style_that_ships_needs_nothing_else() -> None:
    style = Style("flow_field", image="bundled:flow_field.png")
    assert style.load()[0][0].shape == (3, 256, 256)


def test_several_images_come_with_their_weights(tmp_path: Path, make_photo: MakePhoto) -> None:
    paths = [str(make_photo(tmp_path / f"{i}.png", seed=i)) for i in range(2)]
    style = Style("mix", image=paths, image_weights=[3, 1], size=16)
    assert [weight for _, weight in style.load()] == [3, 1]


def test_digests_are_of_the_images_files(tmp_path: Path, make_photo: MakePhoto) -> None:
    path = make_photo(tmp_path / "a.png")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert Style("mine", image=[str(path)] * 2).digests() == (digest, digest)


def test_a_download_is_checked_cached_and_used(
    tmp_path: Path, make_photo: MakePhoto, serve: Callable[[Path], str]
) -> None:
    make_photo(tmp_path / "web" / "a.jpg", width=400, height=300)
    url = serve(tmp_path / "web") + "/a.jpg"
    style = Style("night", url=url, aspect=4 / 3, cache=str(tmp_path / "cache"))
    [path] = style.paths()
    assert path == tmp_path / "cache" / "styles" / "night.jpg"
    (tmp_path / "web" / "a.jpg").unlink()
    assert style.paths() == [path]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"<html>rate limited</html>", "not a picture"), (None, "404")],
)
def test_a_download_that_is_no_picture_is_not_kept(
    tmp_path: Path, serve: Callable[[Path], str], content: bytes | None, message: str
) -> None:
    (tmp_path / "web").mkdir()
    if content is not None:
        (tmp_path / "web" / "a.jpg").write_bytes(content)
    style = Style("night", url=serve(tmp_path / "web") + "/a.jpg", cache=str(tmp_path / "cache"))
    with pytest.raises(UserError, match=rf"{message}.*style\.image="):
        style.paths()
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and "cache" in p.parts]


@pytest.mark.parametrize(("width", "height", "message"), [(400, 300, "another"), (90, 60, "only")])
def test_another_picture_than_expected_is_refused(
    tmp_path: Path,
    make_photo: MakePhoto,
    serve: Callable[[Path], str],
    width: int,
    height: int,
    message: str,
) -> None:
    make_photo(tmp_path / "web" / "a.jpg", width=width, height=height)
    url = serve(tmp_path / "web") + "/a.jpg"
    with pytest.raises(UserError, match=message):
        Style("night", url=url, aspect=1.5, cache=str(tmp_path / "cache")).paths()


def test_no_connection_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    style = Style("night", url="http://127.0.0.1:9/a.jpg", cache=str(tmp_path))
    with pytest.raises(UserError, match=r"cannot download http://127.*style\.image="):
        style.paths()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image": "/nowhere.jpg"}, "no such style image"),
        ({"image": "bundled:nothing.png"}, "no such style image"),
        ({"image": []}, "empty"),
        ({}, "has no image"),
        ({"image": "bundled:flow_field.png", "size": 4}, "at least 8"),
        ({"image": "bundled:flow_field.png", "crop": [0, 0, 1]}, "left, top, right, bottom"),
        ({"image": "bundled:flow_field.png", "crop": [0.5, 0, 0.5, 1]}, "from 0 to 1"),
        ({"image": "bundled:flow_field.png", "crop": [0, 0, 1, float("nan")]}, "from 0 to 1"),
        ({"image": "bundled:flow_field.png", "image_weights": [1, 2]}, "image_weights"),
        ({"image": "bundled:flow_field.png", "image_weights": [0]}, "image_weights"),
    ],
)
def test_what_a_config_can_get_wrong_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Style("mine", **options).load()


def test_a_style_without_an_address_is_taken_from_the_cache(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    make_photo(tmp_path / "styles" / "mine.jpg", width=60, height=30)
    [(pixels, _)] = Style("mine", size=20, cache=str(tmp_path)).load()
    assert pixels.shape == (3, 20, 40)


@pytest.mark.parametrize("share", [0, -1.0, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(UserError, match=r"style mine: share is .*; it must be above 0"):
        Style("mine", share=share)


def test_a_strip_that_would_become_huge_is_refused(tmp_path: Path, make_photo: MakePhoto) -> None:
    path = make_photo(tmp_path / "a.png", 2000, 1)
    with pytest.raises(UserError, match=r"512000 x 256 pixels at style\.size=256"):
        Style("a", str(path)).load()


def test_colors_that_nobody_sees_are_not_learnt(tmp_path: Path) -> None:
    rgba = np.zeros((16, 16, 4), dtype=np.uint8)
    rgba[..., 0] = 255  # red, but seen in the left half only
    rgba[:, :8, 3] = 255
    Image.fromarray(rgba).save(tmp_path / "a.png")
    [(pixels, _)] = Style("mine", image=str(tmp_path / "a.png"), size=16).load()
    assert pixels[:, 0, 0].tolist() == [1, 0, 0]
    assert pixels[:, 0, 15].tolist() == [1, 1, 1]


def test_colors_are_those_of_the_paintings_profile(tmp_path: Path) -> None:
    swapped = _profile_with_red_and_green_swapped()
    Image.new("RGB", (16, 16), (250, 20, 20)).save(tmp_path / "a.png", icc_profile=swapped)
    [(pixels, _)] = Style("mine", image=str(tmp_path / "a.png"), size=16).load()
    red, green, _ = pixels[:, 8, 8].tolist()
    assert green > 0.8 > 0.3 > red


def _profile_with_red_and_green_swapped() -> bytes:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    places = [profile.index(name, 128) for name in (b"rXYZ", b"gXYZ")]
    entries = [bytes(profile[place + 4 : place + 12]) for place in places]
    for place, entry in zip(places, reversed(entries), strict=True):
        profile[place + 4 : place + 12] = entry
    return bytes(profile)


def test_a_scan_larger_than_pictures_may_be_is_read_at_a_part_of_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_PIXELS", 1_000_000)
    Image.new("RGB", (1600, 1200)).save(tmp_path / "a.jpg")
    [(pixels, _)] = Style("mine", image=str(tmp_path / "a.jpg"), size=120).load()
    assert pixels.shape == (3, 120, 160)
