import asyncio
import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from faststyle.core.downloads import USER_AGENT, fetch_large, fetch_small
from faststyle.core.errors import UserError

CONTENT = bytes(range(256)) * 4096
MD5 = hashlib.md5(CONTENT).hexdigest()


class RangeServer:
    """Serves one file, ranges included; can refuse or answer short for the first few requests."""

    def __init__(self, path: Path) -> None:
        self.path, self.statuses, self.agents = path, list[int](), list[str]()
        self.ranges: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        self._ready.wait()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.agents.append(request.headers.get("User-Agent", ""))
        self.ranges.append(request.headers.get("Range", ""))
        if self.statuses:
            return web.Response(status=self.statuses.pop(0), headers={"Retry-After": "0"})
        return web.FileResponse(self.path)

    def _run(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/file", self._answer)
        runner = web.AppRunner(app)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/file"
        self._ready.set()
        self._loop.run_forever()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RangeServer]:
    path = tmp_path / "served.bin"
    path.write_bytes(CONTENT)
    server = RangeServer(path)
    yield server
    server.stop()


def _accept(_path: Path) -> None:
    """Whatever it is."""


def test_a_small_file_arrives_and_says_who_asks(server: RangeServer, tmp_path: Path) -> None:
    fetch_small(server.url, tmp_path / "out" / "a.bin", _accept)
    assert (tmp_path / "out" / "a.bin").read_bytes() == CONTENT
    assert server.agents == [USER_AGENT]


def test_a_rate_limit_is_waited_for(server: RangeServer, tmp_path: Path) -> None:
    server.statuses = [429, 503]
    fetch_small(server.url, tmp_path / "a.bin", _accept)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_server_that_keeps_refusing_is_an_error(
    server: RangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faststyle.core.downloads.BACKOFF_SECONDS", 0)
    server.statuses = [429] * 9
    with pytest.raises(UserError, match="cannot download"):
        fetch_small(server.url, tmp_path / "a.bin", _accept)


def test_a_refused_file_replaces_nothing(server: RangeServer, tmp_path: Path) -> None:
    target = tmp_path / "out" / "a.bin"
    target.parent.mkdir()
    target.write_bytes(b"old")

    def refuse(_path: Path) -> None:
        raise UserError("not what it should be")

    with pytest.raises(UserError, match="not what it should be"):
        fetch_small(server.url, target, refuse)
    assert target.read_bytes() == b"old"
    assert list(target.parent.iterdir()) == [target]


def test_a_large_file_arrives_verified(server: RangeServer, tmp_path: Path) -> None:
    fetch_large(server.url, tmp_path / "out" / "a.zip", MD5)
    assert (tmp_path / "out" / "a.zip").read_bytes() == CONTENT
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.zip"]


def test_a_damaged_download_is_removed(server: RangeServer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="damaged"):
        fetch_large(server.url, tmp_path / "out" / "a.zip", "0" * 32)
    assert not list((tmp_path / "out").iterdir())


def test_no_connection_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot download"):
        fetch_large("http://127.0.0.1:9/a.zip", tmp_path / "a.zip", MD5, retries=0)


def test_an_interrupted_download_goes_on_where_it_stopped(
    server: RangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pypdl.downloader import SegmentDownloader

    whole: Callable[..., object] = SegmentDownloader.worker

    async def broken(
        self: SegmentDownloader, table: dict[str, object], number: int, **kw: object
    ) -> None:
        if number == 3:
            await asyncio.sleep(1)  # the other segments are through by then
            raise ConnectionError
        await whole(self, table, number, **kw)  # type: ignore[misc]

    target = tmp_path / "out" / "a.zip"
    monkeypatch.setattr(SegmentDownloader, "worker", broken)
    with pytest.raises(UserError, match="what has arrived is kept"):
        fetch_large(server.url, target, MD5, retries=0)
    monkeypatch.undo()
    server.ranges.clear()
    fetch_large(server.url, target, MD5)
    assert target.read_bytes() == CONTENT
    fetched = [r for r in server.ranges if r and r != "bytes=0-0"]
    assert len(fetched) == 1, "only what was missing is asked for"
