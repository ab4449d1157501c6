import errno
import os
from pathlib import Path

import pytest

from faststyle.core.atomic import atomic_write, check_target, check_writable
from faststyle.core.errors import UserError


def test_a_file_appears_under_its_name_with_its_folder(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file.txt"
    with atomic_write(target) as temporary:
        temporary.write_text("hello")
        assert not target.exists()
    assert target.read_text() == "hello"


def test_a_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")

    def write_half() -> None:
        with atomic_write(target) as temporary:
            temporary.write_text("ha")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_written_is_found_out(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "folder")
    assert list((tmp_path / "new" / "folder").iterdir()) == []
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", Path("/proc/nowhere")):
        with pytest.raises(OSError, match=folder.name):
            check_writable(folder)


def test_a_name_may_be_as_long_as_names_can_be(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 240 + ".jpg")
    with atomic_write(target) as temporary:
        temporary.write_text("hello")
        assert temporary.suffix == ".jpg"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_network_disk_that_cannot_flush_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(_file: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with atomic_write(tmp_path / "a") as temporary:
        temporary.write_text("hello")
    assert (tmp_path / "a").read_text() == "hello"


def test_what_a_link_leads_to_is_written_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "file")
    with atomic_write(tmp_path / "link") as temporary:
        temporary.write_text("hello")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "file").read_text() == "hello"


def test_what_cannot_be_replaced_is_found_out_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "kept").touch(0o444)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, problem in (("kept", "read-only"), ("folder", "directory"), ("pipe", "no file")):
        with pytest.raises(OSError, match=problem):
            check_target(tmp_path / name)


def test_an_input_is_no_output(tmp_path: Path) -> None:
    photo = tmp_path / "photo"
    photo.touch()
    (tmp_path / "soft").symlink_to(photo)
    (tmp_path / "hard").hardlink_to(photo)
    for name in ("photo", "soft", "hard"):
        with pytest.raises(UserError, match="is an input"):
            check_target(tmp_path / name, [photo])
    check_target(tmp_path / "other", [photo])
