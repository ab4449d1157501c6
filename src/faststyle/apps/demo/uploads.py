"""Visitors' photos: in a folder that nobody else can look into, and for a short while."""

import asyncio
import secrets
import tempfile
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path

from faststyle.apps.demo.worker import VisitorError

#: Bytes of a file that a visitor may send.
MAX_BYTES = 20_000_000
#: Photos that are kept at most; of more, those that were used longest ago are deleted.
MAX_PHOTOS = 64
#: Photos that may be on their way at once, and for how many seconds without a byte.
MAX_SENDING, SENDING_STALLED = 32, 20.0
#: Seconds after its last use that a photo is kept.
KEPT = 600.0


class Uploads:
    """The photos, each under a name that cannot be guessed; :meth:`close` deletes all."""

    def __init__(self) -> None:
        # Of this process alone, and with mode 700.
        self._folder = tempfile.TemporaryDirectory(prefix="faststyle_demo_")
        self._used: OrderedDict[str, float] = OrderedDict()
        self._sending = 0

    async def take(self, chunks: AsyncIterator[bytes]) -> str:
        """Keep a photo as it comes; returns its name.

        Raises ``VisitorError`` if it is too long, too slow, or there is no room.
        """
        if self._sending >= MAX_SENDING:
            raise VisitorError("Too many photos are on their way. Please try again.", "again")
        name = secrets.token_urlsafe(16)
        path = self._path(name)
        self._sending += 1
        try:
            await self._write(path, chunks)
            self._used[name] = time.monotonic()
        except TimeoutError:
            raise VisitorError("The photo did not come. Please try again.", "again") from None
        except OSError:
            raise VisitorError("There is no room for a photo just now. Please try later.") from None
        finally:  # also of a visitor who left
            self._sending -= 1
            if name not in self._used:
                path.unlink(missing_ok=True)
        while len(self._used) > MAX_PHOTOS:
            self._delete(next(iter(self._used)))
        return name

    def find(self, name: str) -> Path | None:
        """The file of a photo, which is used, or none if it is not kept."""
        if name not in self._used:
            return None
        self._used[name] = time.monotonic()
        self._used.move_to_end(name)
        return self._path(name)

    def forget_the_old(self) -> None:
        """Delete photos that were not used for a while."""
        for name, used in list(self._used.items()):
            if time.monotonic() - used > KEPT:
                self._delete(name)

    def close(self) -> None:
        """Delete all."""
        self._folder.cleanup()

    async def _write(self, path: Path, chunks: AsyncIterator[bytes]) -> None:
        # Systems clean their temporary folders of what was not used for days.
        path.parent.mkdir(mode=0o700, exist_ok=True)
        size, end = 0, object()
        with path.open("xb") as file:
            while True:
                chunk = await asyncio.wait_for(anext(chunks, end), SENDING_STALLED)
                if not isinstance(chunk, bytes):
                    return
                size += len(chunk)
                if size > MAX_BYTES:
                    raise VisitorError(f"This file is too large: over {MAX_BYTES // 10**6} MB.")
                file.write(chunk)

    def _delete(self, name: str) -> None:
        del self._used[name]
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return Path(self._folder.name) / name
