import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from faststyle.core.errors import UserError
from faststyle.data import coco


def _zip(path: Path, folder: str, count: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(count):
            archive.writestr(f"{folder}/{i:012}.jpg", f"photo {i}")
    return path


@pytest.fixture
def published(
    tmp_path: Path, serve: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """val2017 as a small archive on a local server; returns the archive."""
    path = _zip(tmp_path / "web" / "val2017.zip", "val2017")
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    archive = coco.Archive(f"{serve(path.parent)}/val2017.zip", digest, 0.001)
    monkeypatch.setitem(coco.ARCHIVES, "val2017", archive)
    return path


def test_a_split_is_fetched_verified_unpacked_and_then_kept(
    published: Path, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    folder = coco.download_coco("val2017", root)
    assert sorted(p.name for p in folder.iterdir()) == [f"{i:012}.jpg" for i in range(3)]
    assert list(root.iterdir()) == [folder]
    published.unlink()
    assert coco.download_coco("val2017", root) == folder


def test_an_unknown_split_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='did you mean "val2017"'):
        coco.download_coco("val2071", tmp_path)


def test_too_little_room_is_said_before_downloading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = coco.Archive("http://127.0.0.1:9/a.zip", "", 1e9)
    monkeypatch.setitem(coco.ARCHIVES, "val2017", archive)
    with pytest.raises(UserError, match="GB are needed"):
        coco.download_coco("val2017", tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "foreign", "other folder"])
def test_a_bad_archive_leaves_no_folder(tmp_path: Path, damage: str) -> None:
    archive = _zip(tmp_path / "a.zip", "elsewhere" if damage == "other folder" else "val2017")
    if damage != "other folder":
        archive.write_bytes(archive.read_bytes()[:60] if damage == "truncated" else b"text")
    with pytest.raises(UserError, match=r"a\.zip"):
        coco.unpack(archive, tmp_path / "val2017")
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]
