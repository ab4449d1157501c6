import errno
import os
from pathlib import Path

import pytest

from faststyle.core.atomic import atomic_write, check_target, check_writable
from faststyle.core.errors import UserError, describe


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
        with pytest.raises(OSError, match=folder.name) as raised:
            check_writable(folder)
        assert describe(raised.value) is not None  # in a line
    with pytest.raises(NotADirectoryError, match="file"), atomic_write(tmp_path / "file" / "a.jpg"):
        pass


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


def test_files_that_belong_together_appear_together(tmp_path: Path) -> None:
    target = tmp_path / "new" / "net.xml"
    with atomic_write(target) as temporary:
        temporary.write_text("graph")
        temporary.with_suffix(".bin").write_text("weights")
        assert not target.exists()
    assert target.read_text() == "graph"
    assert target.with_suffix(".bin").read_text() == "weights"
    assert sorted(path.name for path in target.parent.iterdir()) == ["net.bin", "net.xml"]


def test_a_failure_among_several_files_keeps_the_old_ones(tmp_path: Path) -> None:
    target = tmp_path / "net.xml"
    target.write_text("old")
    target.with_suffix(".bin").write_text("old")

    def write_one() -> None:
        with atomic_write(target) as temporary:
            temporary.with_suffix(".bin").write_text("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_one()
    assert [path.read_text() for path in sorted(tmp_path.iterdir())] == ["old", "old"]


def test_no_old_file_ever_stands_beside_a_new_one_that_it_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "net.xml"
    target.write_text("old")
    target.with_suffix(".bin").write_text("old")
    replace = Path.replace

    def replace_weights_only(self: Path, final: Path) -> Path:
        if self.suffix == ".xml":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(self, final)

    monkeypatch.setattr(Path, "replace", replace_weights_only)

    def write_both() -> None:
        with atomic_write(target) as temporary:
            for path in (temporary, temporary.with_suffix(".bin")):
                path.write_text("new")

    with pytest.raises(OSError, match=r"net\.xml"):
        write_both()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"net.bin": "new"}


def test_a_folder_may_appear_under_a_name_that_is_free(tmp_path: Path) -> None:
    target = tmp_path / "net.mlpackage"
    with atomic_write(target) as temporary:
        temporary.mkdir()
        (temporary / "part").write_text("hello")
    assert (target / "part").read_text() == "hello"
    with pytest.raises(IsADirectoryError), atomic_write(target):
        pass
    assert list(tmp_path.iterdir()) == [target]


class _LibraryError(OSError):
    """As FFmpeg's, which says where it was in its own way."""

    @property
    def filename(self) -> str | None:
        return None


def test_an_error_that_cannot_be_told_where_it_was_stays_itself(tmp_path: Path) -> None:
    def fail() -> None:
        with atomic_write(tmp_path / "file.txt"):
            raise _LibraryError(errno.EOPNOTSUPP, "Operation not supported")

    with pytest.raises(_LibraryError):
        fail()
