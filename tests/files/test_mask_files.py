import os
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from faststyle.core.errors import UserError
from faststyle.files.jobs import plan
from faststyle.files.mask_files import (
    MaskFiles,
    find_black,
    find_clashes,
    fit_mask,
    load_masks,
    read_mask,
)
from faststyle.images.arrays import everywhere


def _half(height: int = 20, width: int = 30) -> torch.Tensor:
    mask = torch.zeros(1, height, width, dtype=torch.uint8)
    mask[..., : width // 2] = 255
    return mask


def _mask(path: Path, box: tuple[int, int, int, int] = (0, 0, 24, 40)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("L", (48, 40))
    image.paste(255, box)
    image.save(path)
    return path


def test_one_mask_is_for_all_photos(tmp_path: Path) -> None:
    mask = MaskFiles(str(_mask(tmp_path / "m.png")))
    assert mask.of(Path("a.jpg")) == mask.of(Path("deep/b.jpg")) == tmp_path / "m.png"


def test_of_a_folder_the_mask_is_called_as_the_photo(tmp_path: Path) -> None:
    for name in ("a.png", "deep/b.tif", "a.b.png"):
        _mask(tmp_path / "masks" / name)
    masks = MaskFiles(str(tmp_path / "masks"))
    assert masks.of(Path("a.jpg")) == tmp_path / "masks/a.png"
    assert masks.of(Path("deep/b.jpg")) == tmp_path / "masks/deep/b.tif"
    assert masks.of(Path("a.b.jpg")) == tmp_path / "masks/a.b.png"


def test_photos_that_differ_in_their_endings_may_have_masks_of_their_own(tmp_path: Path) -> None:
    for name in ("a.png", "a.tif", "a.gif.png"):
        _mask(tmp_path / name)
    masks = MaskFiles(str(tmp_path))
    assert masks.of(Path("a.png")) == tmp_path / "a.png"
    assert masks.of(Path("a.tif")) == tmp_path / "a.tif"
    assert masks.of(Path("a.gif")) == tmp_path / "a.gif.png"


def test_a_photo_without_an_ending_has_a_mask_too(tmp_path: Path) -> None:
    path = _mask(tmp_path / "Mr. Smith.png")
    assert MaskFiles(str(tmp_path)).of(Path("Mr. Smith")) == path


def test_notes_beside_a_mask_are_not_taken_for_it(tmp_path: Path) -> None:
    path = _mask(tmp_path / "a.png")
    for suffix in (".json", ".txt"):
        path.with_suffix(suffix).write_text("{}")
    assert MaskFiles(str(tmp_path)).of(Path("a.jpg")) == path


def test_a_mask_that_is_a_pipe_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m")
    with pytest.raises(UserError, match="is no file, but a pipe"):
        MaskFiles(str(tmp_path / "m"))


def test_a_mask_of_no_name_is_not_the_folder_one_is_in() -> None:
    with pytest.raises(UserError, match="no such mask: its name is empty"):
        MaskFiles("")


def test_the_rest_has_no_file() -> None:
    assert MaskFiles(None).of(Path("a.jpg")) is None


def test_a_mask_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match=r"no such mask: sky\.png"):
        MaskFiles("sky.png")


def test_masks_are_planned_with_their_photos(tmp_path: Path) -> None:
    for name in ("in/a.png", "in/deep/b.png", "masks/a.png", "masks/deep/b.png"):
        _mask(tmp_path / name)
    masks = [MaskFiles(None), MaskFiles(str(tmp_path / "masks"))]
    jobs = plan([str(tmp_path / "in")], str(tmp_path / "out"), "night", masks=masks)
    assert [job.masks for job in jobs] == [
        (None, tmp_path / "masks/a.png"),
        (None, tmp_path / "masks/deep/b.png"),
    ]


def test_a_folder_of_masks_among_the_photos_is_not_stylized(tmp_path: Path) -> None:
    for name in ("in/a.png", "in/masks/a.png"):
        _mask(tmp_path / name)
    masks = [MaskFiles(str(tmp_path / "in/masks"))]
    [job] = plan([str(tmp_path / "in")], str(tmp_path / "out"), "night", masks=masks)
    assert job.source == tmp_path / "in/a.png"


def test_a_mask_among_the_photos_is_not_stylized_unless_it_is_named(tmp_path: Path) -> None:
    for name in ("in/a.png", "in/sky.png"):
        _mask(tmp_path / name)
    masks = [MaskFiles(str(tmp_path / "in/sky.png"))]

    def sources(given: str) -> list[Path]:
        jobs = plan([str(tmp_path / given)], str(tmp_path / "out/"), "night", masks=masks)
        return [job.source for job in jobs]

    assert sources("in") == sources("in/*.png") == [tmp_path / "in/a.png"]
    assert sources("in/sky.png") == [tmp_path / "in/sky.png"]


def test_a_mask_is_never_overwritten(tmp_path: Path) -> None:
    photo, mask = _mask(tmp_path / "a.png"), _mask(tmp_path / "m.png")
    with pytest.raises(UserError, match=r"m\.png is an input"):
        plan([str(photo)], str(mask), "night", masks=[MaskFiles(str(mask))])


def test_where_no_photo_has_a_mask_it_is_said_at_once(tmp_path: Path) -> None:
    for name in ("in/a.png", "in/b.png", "masks/c.png"):
        _mask(tmp_path / name)
    with pytest.raises(UserError, match=r"no photo has a mask in .*masks, where .* be a\.png"):
        plan(
            [str(tmp_path / "in")],
            str(tmp_path / "out"),
            "night",
            masks=[MaskFiles(str(tmp_path / "masks"))],
        )


def test_masks_are_loaded_in_their_order_at_the_photos_size(tmp_path: Path) -> None:
    path = _mask(tmp_path / "m.png")
    masks, notes = load_masks([None, path], (80, 96))
    assert notes == []
    assert masks.shape == (2, 80, 96)
    assert (masks[0] == 255).all()
    assert masks[1, :, :46].min() == 255
    assert masks[1, :, 50:].max() == 0


def test_a_missing_mask_is_the_photos_problem(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"it has no mask: there is no .*m\.png"):
        load_masks([tmp_path / "m.png"], (4, 4))


def test_what_may_not_be_meant_is_remarked(tmp_path: Path) -> None:
    left = _mask(tmp_path / "l.png")
    right = _mask(tmp_path / "r.png", (24, 0, 48, 40))
    black = _mask(tmp_path / "b.png", (0, 0, 0, 0))

    def found(*paths: Path | None) -> list[str]:
        masks = load_masks(paths, (40, 48))[0]
        return [*find_black(masks, paths), *find_clashes(masks, paths)]

    assert not found(left)
    assert not found(left, right)
    assert not found(None, left)
    assert found(black) == [f"{black} is black all over"]
    assert found(left, left, right) == ["regions overlap: there the later one is seen"]
    assert found(left, black)[1:] == ["regions leave gaps: there the photo is seen"]
    assert torch.equal(*(load_masks([left], (40, 48))[0] for _ in range(2)))


def test_of_a_mask_that_moves_it_is_said_how_much_is_read(tmp_path: Path) -> None:
    path = tmp_path / "moving.gif"
    frames = [Image.new("L", (8, 8), level) for level in (255, 0, 128)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert load_masks([path, path], (8, 8))[1] == [f"{path}: 1 of 3 frames is read"]


def test_a_mask_of_all_photos_that_cannot_be_read_is_said_once_before_the_work(
    tmp_path: Path,
) -> None:
    for name in ("a.png", "b.png"):
        _mask(tmp_path / "in" / name)
    broken = tmp_path / "m.png"
    broken.write_text("broken")
    with pytest.raises(UserError, match=r"m\.png is not a picture"):
        plan([str(tmp_path / "in")], None, "night", masks=[MaskFiles(str(broken))])


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "P"])
def test_white_is_there_and_black_is_not(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(_half()[0].numpy()).convert(mode)
    image.save(tmp_path / "mask.png")
    assert torch.equal(read_mask(tmp_path / "mask.png")[0], _half())


def test_in_a_jpeg_white_and_black_are_so_too(tmp_path: Path) -> None:
    mask = _half(64, 96)
    Image.fromarray(mask[0].numpy()).save(tmp_path / "mask.jpg", quality=75)
    found, _ = read_mask(tmp_path / "mask.jpg")
    assert torch.equal(found[..., :40], mask[..., :40])
    assert torch.equal(found[..., 56:], mask[..., 56:])


def test_gray_is_between(tmp_path: Path) -> None:
    Image.new("L", (8, 8), 128).save(tmp_path / "mask.png")
    assert (read_mask(tmp_path / "mask.png")[0] == 128).all()


def test_what_is_transparent_is_black(tmp_path: Path) -> None:
    image = Image.new("L", (30, 20), 255)
    image.putalpha(Image.fromarray(_half()[0].numpy()))
    image.save(tmp_path / "mask.png")
    assert torch.equal(read_mask(tmp_path / "mask.png")[0], _half())


def test_a_mask_is_scaled_to_its_photo() -> None:
    found = fit_mask(_half(), (200, 300), "m")
    assert found.shape == (1, 200, 300)
    assert (found[..., :140] == 255).all()
    assert (found[..., 160:] == 0).all()


@pytest.mark.parametrize("size", [(300, 200), (20, 40), (20, 26)])
def test_a_mask_of_another_shape_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(UserError, match=r"the mask sky\.png has 30 x 20 pixels and the photo"):
        fit_mask(_half(), size, "sky.png")


@pytest.mark.parametrize(("mask", "photo"), [((1, 90), (90, 1)), ((90, 1), (1, 90))])
def test_of_the_thinnest_pictures_likewise(mask: tuple[int, int], photo: tuple[int, int]) -> None:
    with pytest.raises(UserError, match="that is another shape"):
        fit_mask(everywhere(mask), photo, "m")


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 400))
def test_a_mask_that_was_scaled_with_its_photo_fits(height: int, width: int, side: int) -> None:
    factor = side / min(height, width)
    scaled = max(1, round(height * factor)), max(1, round(width * factor))
    assert fit_mask(everywhere((height, width)), scaled, "m").shape == (1, *scaled)


def test_overlaps_and_gaps_are_seen() -> None:
    left, right = _half(), 255 - _half()
    paths = [Path("l.png"), Path("r.png")]
    assert not find_clashes(torch.cat((left, right)), paths)
    both = find_clashes(torch.cat((left, left)), paths)
    assert [note.partition(":")[0] for note in both] == ["regions overlap", "regions leave gaps"]
