import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.data.folder import PhotoFolder, find_photos, split

MakePhoto = Callable[..., Path]


def test_photos_are_found_in_any_depth_and_through_links(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    root = tmp_path / "coco"
    expected = [make_photo(root / "a.jpg"), make_photo(root / "train2017" / "deep" / "b.PNG")]
    make_photo(tmp_path / "elsewhere" / "c.webp")
    (root / "link").symlink_to(tmp_path / "elsewhere")
    (root / "loop").symlink_to(root)
    (root / "notes.txt").write_text("no photo")
    (root / "._a.jpg").write_text("left by another system")
    assert find_photos(root) == sorted([*expected, root / "link" / "c.webp"])


@pytest.mark.parametrize(("make", "message"), [(False, "no such photo folder"), (True, "holds no")])
def test_an_absent_or_empty_folder_is_an_error(tmp_path: Path, make: bool, message: str) -> None:
    if make:
        (tmp_path / "photos").mkdir()
    with pytest.raises(UserError, match=message):
        find_photos(tmp_path / "photos")


def test_a_file_in_place_of_a_folder_is_named_as_one(tmp_path: Path, make_photo: MakePhoto) -> None:
    path = make_photo(tmp_path / "a.jpg")
    with pytest.raises(UserError, match=r"a\.jpg is a file: photos are looked for in a folder"):
        find_photos(path)


def test_the_split_is_disjoint_complete_and_stable_when_photos_are_added(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.jpg" for i in range(40)]
    train, held_out = split(paths, tmp_path, 10)
    assert len(held_out) == 10
    assert sorted([*train, *held_out]) == sorted(paths)
    assert split(list(reversed(paths)), tmp_path, 10)[1] == held_out
    _, more = split([*paths, tmp_path / "new.jpg"], tmp_path, 10)
    assert len(set(more) & set(held_out)) >= 9


def test_a_single_photo_serves_both_purposes(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    assert split([path], tmp_path, 4) == ([path], [path])


@pytest.mark.parametrize(("width", "height"), [(500, 300), (10, 200), (1, 1), (32, 32)])
def test_crops_are_square_whatever_the_photo(
    tmp_path: Path, make_photo: MakePhoto, width: int, height: int
) -> None:
    photos = PhotoFolder([make_photo(tmp_path / "a.jpg", width, height)], 32)
    assert photos.random_crop(0, np.random.default_rng(0)).shape == (3, 32, 32)
    assert photos.center_crop(0).dtype == torch.uint8


def test_the_center_crop_is_the_middle(tmp_path: Path) -> None:
    image = Image.new("RGB", (96, 32))
    image.paste((255, 0, 0), (32, 0, 64, 32))
    image.save(tmp_path / "a.png")
    crop = PhotoFolder([tmp_path / "a.png"], 32).center_crop(0)
    assert (crop[0] == 255).all()


def test_random_crops_are_a_function_of_the_generator(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    photos = PhotoFolder([make_photo(tmp_path / "a.png", 90, 60)], 24)
    first, same, other = (photos.random_crop(0, np.random.default_rng(s)) for s in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_large_jpegs_are_decoded_at_reduced_scale(tmp_path: Path, make_photo: MakePhoto) -> None:
    photos = PhotoFolder([make_photo(tmp_path / "a.jpg", 1600, 1200)], 64)
    assert photos.decode(0).shape[:0:-1] == (200, 150)


@pytest.mark.parametrize(("size", "scale"), [(64, 1), (12, 2)])
def test_plain_jpegs_have_the_pixels_that_pillow_gives_but_for_fine_color(
    tmp_path: Path, size: int, scale: int
) -> None:
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    channels = np.broadcast_arrays(ramp[None, :], ramp[:48, None], 128)
    Image.fromarray(np.stack(channels, 2).astype(np.uint8)).save(tmp_path / "a.jpg", quality=95)
    pillow = Image.open(tmp_path / "a.jpg")
    pillow.draft("RGB", (64 // scale, 48 // scale))
    expected = torch.from_numpy(np.array(pillow)).permute(2, 0, 1)
    found = PhotoFolder([tmp_path / "a.jpg"], size).decode(0)
    assert found.shape == expected.shape == (3, 48 // scale, 64 // scale)
    difference = (found.float() - expected.float()).abs()
    assert difference.mean() < 2
    luma = torch.tensor([0.299, 0.587, 0.114])
    assert torch.einsum("chw,c->hw", found.float() - expected.float(), luma).abs().mean() < 0.5


@pytest.mark.parametrize("orientation", [1, 6])
def test_exif_orientation_is_applied(
    tmp_path: Path, make_photo: MakePhoto, orientation: int
) -> None:
    source = Image.open(make_photo(tmp_path / "a.png", 64, 48))
    exif = Image.Exif()
    exif[0x0112] = orientation
    source.save(tmp_path / "b.jpg", exif=exif)
    size = PhotoFolder([tmp_path / "b.jpg"], 64).decode(0).shape[1:]
    assert size == ((48, 64) if orientation == 1 else (64, 48))


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_a_truncated_jpeg_is_not_taken_for_a_photo(
    tmp_path: Path, make_photo: MakePhoto, kept: float
) -> None:
    path = make_photo(tmp_path / "a.jpg", 200, 200)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(UserError, match="none of the 1 photos"):
        PhotoFolder([path], 200).center_crop(0)


def test_a_crop_of_the_whole_square_is_what_pillow_scales_it_to(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (90, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    square = Image.fromarray(pixels[15:75])
    expected = np.array(square.resize((24, 24), Image.Resampling.BILINEAR)).astype(float)
    found = PhotoFolder([tmp_path / "a.png"], 24).center_crop(0).permute(1, 2, 0).numpy()
    assert np.abs(found - expected).max() <= 1


def test_an_unreadable_photo_is_named_once_counted_and_replaced(
    tmp_path: Path, make_photo: MakePhoto, caplog: pytest.LogCaptureFixture
) -> None:
    good = make_photo(tmp_path / "b.png")
    whole = make_photo(tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[: len(whole) // 2])
    photos = PhotoFolder([tmp_path / "a.png", good], 16)
    with caplog.at_level(logging.WARNING):
        crops = [photos.center_crop(0) for _ in range(3)]
    assert torch.equal(crops[0], photos.center_crop(1))
    assert len([r for r in caplog.records if "a.png" in r.message]) == 1
    assert photos.unreadable.tolist() == [True, False]


def test_only_broken_photos_are_an_error(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_text("broken")
    with pytest.raises(UserError, match="none of the 2 photos"):
        PhotoFolder([tmp_path / "a.jpg", tmp_path / "b.jpg"], 16).center_crop(0)
