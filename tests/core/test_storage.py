import errno
import os
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from faststyle.core.errors import UserError
from faststyle.core.storage import (
    Folder,
    StorageError,
    absolute,
    cached,
    fetch,
    is_of_a_disk,
    version_of,
)


@pytest.fixture(params=["path", "memory", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, upload: Callable[[Path], str]) -> Folder:
    """An empty one, of each kind."""
    (tmp_path / "empty").mkdir()
    address = {
        "path": lambda: str(tmp_path / "out"),
        "memory": lambda: f"memory://{tmp_path.name}",
        "s3": lambda: upload(tmp_path / "empty").replace("coco", "out"),
    }
    return Folder(address[request.param]())


def test_what_is_written_is_found_and_read(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"two")
    folder.write("sub/a", b"one")
    folder.put(tmp_path / "b", "b")
    assert list(folder.find()) == ["b", "sub/a"]
    assert (folder.read("sub/a"), folder.read("absent")) == (b"one", None)
    assert list(folder.read_all(["sub/a", "b"])) == [b"one", b"two"]


def test_a_folder_that_is_not_there_has_no_files(folder: Folder) -> None:
    assert folder.find() == {}
    assert list(folder.read_all([])) == []


def test_a_file_that_changes_has_another_version(folder: Folder) -> None:
    folder.write("a", b"one")
    before = folder.find()
    assert folder.find() == before
    folder.write("a", b"one and more")
    assert folder.find()["a"] != before["a"]


def test_a_file_gets_its_name_when_it_is_whole() -> None:
    """Of storage that is neither a disk of this machine nor an object store."""
    names = []

    class Slow(fsspec.get_filesystem_class("memory")):  # type: ignore[misc]
        protocol = "slow"

        def pipe_file(self, path: str, value: bytes, **more: object) -> None:
            super().pipe_file(path, value, **more)
            names.append(path.rpartition("/")[2])

    fsspec.register_implementation("slow", Slow, clobber=True)
    folder = Folder("slow://place")
    folder.write("a.json", b"one")
    [while_written] = names
    assert while_written.startswith(".")
    assert list(folder.find()) == ["a.json"]


def test_a_copy_is_made_once_and_anew_when_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FASTSTYLE_CACHE", str(tmp_path / "cache"))
    folder = Folder("memory://styles")
    folder.write("a.bin", b"one")
    first = cached("memory://styles/a.bin")
    assert first.read_bytes() == b"one"
    assert first.name == "a.bin"
    first.write_bytes(b"kept")
    assert cached("memory://styles/a.bin").read_bytes() == b"kept"
    folder.write("a.bin", b"another")
    assert cached("memory://styles/a.bin").read_bytes() == b"another"


def test_a_file_that_is_not_there_is_no_fault_of_the_storage(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no memory://absent/a") as raised:
        fetch("memory://absent/a", tmp_path / "a")
    assert not isinstance(raised.value, StorageError)
    assert not (tmp_path / "a").exists()


def test_storage_that_does_not_answer_is_named(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    pytest.importorskip("aiohttp")
    address = f"http://127.0.0.1:{free_port()}/a"
    with pytest.raises(StorageError, match=address):
        fetch(address, tmp_path / "a")


def test_an_unknown_kind_of_storage_is_one_line() -> None:
    with pytest.raises(StorageError, match="nowhere://a: ") as raised:
        Folder("nowhere://a")
    assert "\n" not in str(raised.value)


def test_paths_lead_there_from_any_folder_and_addresses_do_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("photos") == str(tmp_path / "photos")
    assert absolute("s3://bucket/photos") == "s3://bucket/photos"


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EISDIR, False)]
)
def test_a_full_disk_is_told_from_a_bad_name(number: int, expected: bool) -> None:
    assert is_of_a_disk(OSError(number, os.strerror(number))) is expected


def test_versions_are_of_what_storage_says_and_not_of_more() -> None:
    said = {"size": 3, "ETag": '"a"', "name": "x"}
    assert version_of(said) == version_of({**said, "name": "y"})
    assert version_of(said) != version_of({**said, "ETag": '"b"'})
