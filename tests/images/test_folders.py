import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faststyle.images.folders import find_pictures

MakePhoto = Callable[..., Path]


def test_pictures_of_every_kind_that_is_read_are_found(tmp_path: Path) -> None:
    names = ["a.JPG", "b.jpeg", "c.jfif", "d.jpe", "e.png", "f.webp", "g.tif", "h.gif", "i.avif"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "notes.txt").touch()
    assert [path.name for path in find_pictures(tmp_path).pictures] == names


def test_pictures_whose_names_say_nothing_are_found(tmp_path: Path, make_photo: MakePhoto) -> None:
    photo = make_photo(tmp_path / "a.jpg")
    names = ["Mr. Smith", "b.jpg_large", "c.jpg?w=600", "d.cr2", "photo"]
    for name in names:
        (tmp_path / name).write_bytes(photo.read_bytes())
    (tmp_path / "notes").write_text("a note")
    assert [path.name for path in find_pictures(tmp_path).pictures] == sorted(["a.jpg", *names])


def test_hidden_folders_and_those_of_thumbnails_are_not_searched(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    photo = make_photo(tmp_path / "2020" / "a.jpg")
    for folder in (".thumbnails", "@eaDir", ".Trash-1000", "2020/@eaDir"):
        make_photo(tmp_path / folder / "a.jpg")
    make_photo(tmp_path / "._a.jpg")
    assert find_pictures(tmp_path).pictures == [photo]


def test_links_are_followed_once_and_pipes_never(tmp_path: Path, make_photo: MakePhoto) -> None:
    photo = make_photo(tmp_path / "elsewhere" / "a.jpg")
    root = tmp_path / "root"
    root.mkdir()
    (root / "photos").symlink_to(photo.parent)
    (photo.parent / "loop").symlink_to(root)
    (root / "gone.jpg").symlink_to(tmp_path / "nothing.jpg")
    os.mkfifo(root / "pipe.jpg")
    assert find_pictures(root).pictures == [root / "photos" / "a.jpg"]


def test_what_is_not_read_is_counted_by_its_ending(tmp_path: Path) -> None:
    for name in ("a.CR2", "b.cr2", "c.nef", "d.mp4"):
        (tmp_path / name).touch()
    found = find_pictures(tmp_path)
    assert found.foreign == {".cr2": 2, ".nef": 1, ".mp4": 1}
    assert "1 .mp4 (a clip: folders are searched for pictures only)" in found.skipped()
    assert "2 .cr2 (a camera's raw file: develop it" in found.skipped()


def test_a_folder_that_may_not_be_read_is_named(
    tmp_path: Path,
    make_photo: MakePhoto,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    photo = make_photo(tmp_path / "a" / "a.jpg")
    make_photo(tmp_path / "closed" / "b.jpg")
    scan = os.scandir

    def scandir(path: str) -> Any:
        if Path(path).name == "closed":  # as for all but the owner, who may run the tests
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert find_pictures(tmp_path).pictures == [photo]
    assert f"{tmp_path / 'closed'} cannot be searched: Permission denied" in caplog.text
