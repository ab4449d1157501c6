import asyncio
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.requests import ClientDisconnect

from faststyle.apps.demo import uploads as module
from faststyle.apps.demo.uploads import MAX_BYTES, MAX_PHOTOS, MAX_SENDING, Uploads
from faststyle.apps.demo.worker import VisitorError
from tests.apps.demo.conftest import Clock, run_async


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def take(uploads: Uploads, *chunks: bytes) -> str:
    async def sent() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return run_async(uploads.take(sent()))


def test_a_photo_is_kept_where_nobody_else_can_look(folder: Path) -> None:
    uploads = Uploads()
    path = uploads.find(take(uploads, b"a", b"b"))
    assert path is not None
    assert path.read_bytes() == b"ab"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    uploads.close()
    assert list(folder.iterdir()) == []


async def _broken(error: type[Exception]) -> AsyncIterator[bytes]:
    yield b"a"
    raise error


async def _stalled() -> AsyncIterator[bytes]:
    yield b"a"
    await asyncio.sleep(60)


def test_what_is_too_large_or_breaks_off_or_stalls_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SENDING_STALLED", 0.05)
    uploads = Uploads()
    [place] = folder.iterdir()
    with pytest.raises(VisitorError, match="20 MB"):
        take(uploads, bytes(MAX_BYTES), b"a")
    with pytest.raises(VisitorError, match="is no room"):
        run_async(uploads.take(_broken(OSError)))
    with pytest.raises(ClientDisconnect):
        run_async(uploads.take(_broken(ClientDisconnect)))
    with pytest.raises(VisitorError, match="did not come"):
        run_async(uploads.take(_stalled()))
    assert list(place.iterdir()) == []
    uploads.close()


def test_no_more_than_so_many_are_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SENDING_STALLED", 0.2)
    uploads = Uploads()

    async def main() -> list[str | BaseException]:
        sent = (uploads.take(_stalled()) for _ in range(MAX_SENDING + 3))
        return await asyncio.gather(*sent, return_exceptions=True)

    problems = [str(problem) for problem in run_async(main())]
    assert sum("Too many photos" in problem for problem in problems) == 3
    assert take(uploads, b"a"), "and then there is room again"
    uploads.close()


def test_a_folder_that_was_cleaned_from_outside_is_made_anew(folder: Path) -> None:
    uploads = Uploads()
    [place] = folder.iterdir()
    lost = take(uploads, b"lost")
    shutil.rmtree(place)
    path = uploads.find(take(uploads, b"a"))
    assert path is not None
    assert path.read_bytes() == b"a"
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    uploads._used[lost] = -1e9
    uploads.forget_the_old()
    uploads.close()


def test_old_photos_are_deleted_and_used_ones_are_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    uploads = Uploads()
    [place] = folder.iterdir()
    used, unused = take(uploads, b"a"), take(uploads, b"b")
    clock.now += module.KEPT - 1
    assert uploads.find(used)
    clock.now += 2
    uploads.forget_the_old()
    assert uploads.find(unused) is None
    assert [path.read_bytes() for path in place.iterdir()] == [b"a"]
    uploads.close()


def test_no_more_than_so_many_are_kept(folder: Path) -> None:
    uploads = Uploads()
    [place] = folder.iterdir()
    first = take(uploads, b"first")
    others = [take(uploads, b"a") for _ in range(MAX_PHOTOS)]
    assert uploads.find(first) is None
    assert all(map(uploads.find, others))
    assert len(list(place.iterdir())) == MAX_PHOTOS
    uploads.close()
