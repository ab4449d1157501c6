"""Files at any address of fsspec's (``s3://``, ``gs://``, a folder), and copies of them here."""

import errno
import os
import secrets
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faststyle.core.atomic import atomic_write
from faststyle.core.errors import UserError, problem

#: Here a file appears once all of it has arrived. Elsewhere it gets its name when it is whole.
_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "memory"}
#: Of one file alone. Whatever else goes wrong would befall the next one, too.
_OF_ONE_FILE = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
#: Of a disk, when a file is written to it.
_OF_A_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.EFBIG}
#: What tells one state of a file from another, as kinds of storage call it.
_STATES = ("ETag", "etag", "md5Hash", "generation", "mtime", "LastModified", "last_modified")


class StorageError(UserError):
    """Storage that cannot be reached, or a disk that is full: no fault of one file's."""


def is_address(text: str) -> bool:
    """Whether ``text`` is an address, and not a path."""
    return "://" in text


def absolute(text: str) -> str:
    """An address as it is, and a path so that it leads there from any folder."""
    return text if is_address(text) else str(Path(text).expanduser().absolute())


def cache_folder() -> Path:
    """Where copies are kept on this machine: ``FASTSTYLE_CACHE``, or ``~/.cache/faststyle``."""
    return Path(os.environ.get("FASTSTYLE_CACHE") or "~/.cache/faststyle").expanduser()


def version_of(info: Mapping[str, Any]) -> str:
    """Eight digits that change when a file does, of what its storage says of it."""
    said = (info.get("size"), *(str(info.get(name)) for name in _STATES))
    return f"{zlib.crc32(repr(said).encode()):08x}"


def fetch(address: str, path: Path) -> None:
    """Copy a file to this machine, unless another process has just done so.

    Nothing is left of a copy that breaks off.

    Raises:
        StorageError: that fails, be it there or here (a full disk).
        UserError: there is no such file, or it may not be read.
    """
    from filelock import FileLock  # late, as fsspec: commands should start fast

    with _named(address):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if path.exists():
                return
            with atomic_write(path) as temporary:
                filesystem, remote = _at(address)
                filesystem.get_file(remote, str(temporary))
                size = filesystem.size(remote)
                if size is not None and temporary.stat().st_size != size:
                    raise EOFError("it broke off")


def fetch_once(address: str, path: Path) -> None:
    """Fetch a file that no other process asks for.

    It may be cut short, which its reader has to notice. Raises as :func:`fetch`.
    """
    with _named(address):
        path.parent.mkdir(parents=True, exist_ok=True)
        filesystem, remote = _at(address)
        filesystem.get_file(remote, str(path))


def cached(address: str) -> Path:
    """A copy of a small file in :func:`cache_folder`, made anew when the file has changed.

    Raises as :func:`fetch`.
    """
    with _named(address):
        filesystem, remote = _at(address)
        version = version_of(filesystem.info(remote))
    key = f"{zlib.crc32(address.encode()):08x}_{version}"
    path = cache_folder() / "fetched" / key / remote.rsplit("/", 1)[-1]
    fetch(address, path)
    return path


class Folder:
    """A folder at ``address``, be it a path or any address of fsspec's.

    Names are relative to it, with ``/`` between their parts.
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/") or "/"
        with _named(address):
            filesystem, self._root = _at(self.address)
        #: Where it is on this machine's disks; none for storage elsewhere.
        self.path = Path(self._root) if "file" in _protocols(filesystem) else None

    def __reduce__(self) -> tuple[type["Folder"], tuple[str]]:
        return Folder, (self.address,)

    def at(self, name: str) -> str:
        """The address of the file ``name``."""
        return f"{self.address.rstrip('/')}/{name}"

    def find(self) -> dict[str, str]:
        """Every file in it, and in its folders: the name, and what changes when it does.

        Raises ``StorageError``; a folder that is not there has no files.
        """
        filesystem = self._filesystem()
        with _named(self.address):
            filesystem.invalidate_cache()
            found: dict[str, dict[str, Any]] = filesystem.find(self._root, detail=True)
        start = len(self._root.rstrip("/")) + 1
        return {path[start:]: version_of(info) for path, info in sorted(found.items())}

    def read(self, name: str) -> bytes | None:
        """What is in a file; none if there is none. Raises ``StorageError``."""
        with _named(self.at(name)):
            try:
                content: bytes = self._filesystem().cat_file(self._inside(name))
            except FileNotFoundError:
                return None
        return content

    def read_all(self, names: Sequence[str]) -> Iterator[bytes]:
        """What is in many files, several at once where the storage can. Raises ``StorageError``."""
        filesystem = self._filesystem()
        for start in range(0, len(names), 1000):
            paths = [self._inside(name) for name in names[start : start + 1000]]
            with _named(self.address):
                found: dict[str, bytes] = filesystem.cat(paths)  # in an order of its own
            yield from (found[path] for path in paths)

    def write(self, name: str, content: bytes) -> None:
        """Write a small file, whole or not at all. Raises ``StorageError``."""
        with self._whole(name) as there:
            self._filesystem().pipe_file(there, content)

    def put(self, path: Path, name: str) -> None:
        """Copy a file of this machine there, whole or not at all. Raises ``StorageError``."""
        with self._whole(name) as there:
            self._filesystem().put_file(str(path), there)

    @contextmanager
    def _whole(self, name: str) -> Iterator[str]:
        """Where to write a file; outside of object stores under another name until it is whole."""
        filesystem, path = self._filesystem(), self._inside(name)
        with _named(self.at(name)):
            if self.path is not None:
                with atomic_write(self.path / name) as temporary:
                    yield str(temporary)
            elif _protocols(filesystem) & _OBJECT_STORES:
                yield path
            else:
                folder, _, last = path.rpartition("/")
                filesystem.makedirs(folder, exist_ok=True)
                temporary_path = f"{folder}/.{secrets.token_hex(4)}.tmp_{last}"
                yield temporary_path
                filesystem.mv(temporary_path, path)

    def _inside(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _filesystem(self) -> Any:
        return _at(self.address)[0]


def is_of_a_disk(error: BaseException) -> bool:
    """Whether an error in writing a file would befall the next one, too: a full disk."""
    return isinstance(error, OSError) and error.errno in _OF_A_DISK


def _at(address: str) -> tuple[Any, str]:
    """The file system of an address (one object for all addresses there), and the path in it."""
    import fsspec

    found: tuple[Any, str] = fsspec.core.url_to_fs(absolute(address))
    return found


def _protocols(filesystem: Any) -> set[str]:
    known = filesystem.protocol
    return {known} if isinstance(known, str) else set(known)


@contextmanager
def _named(address: str) -> Iterator[None]:
    """Say of what is raised where it was, and whether it is the fault of that one file."""
    try:
        yield
    except UserError:
        raise
    except ImportError as error:
        scheme = address.partition("://")[0]
        extra = {"s3": "s3", "gs": "gcs", "gcs": "gcs"}.get(scheme)
        hint = f'pip install "faststyle[{extra}]"' if extra else str(error)
        raise StorageError(f"{address} cannot be reached: {hint}") from None
    except FileNotFoundError:
        raise UserError(f"there is no {address}") from None
    except _OF_ONE_FILE as error:
        raise UserError(f"{address}: {error.strerror or error}") from None
    except OSError as error:
        raise StorageError(f"{address}: {problem(error) if error.errno else error}") from None
    except Exception as error:  # each kind of storage has errors of its own
        raise StorageError(f"{address}: {error}") from None
