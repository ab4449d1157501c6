"""Fetching a style from the Hugging Face Hub into huggingface_hub's own cache."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from faststyle.core.errors import UserError, nearest, needs_extra
from faststyle.core.version import __version__
from faststyle.styles.hub.problems import explain, is_unreachable

if TYPE_CHECKING:
    from huggingface_hub import HfUri
    from huggingface_hub.utils.tqdm import tqdm

#: Bytes of a file that is fetched. A style has some millions.
MAX_BYTES = 2**30
#: Seconds without an answer after which what was fetched before has to do.
_PATIENCE = 10.0
#: Names of files that an error shows at most.
_SHOWN = 10


#: What an address on the Hub begins with, wherever a style may be named.
PREFIX = "hf:"
_FORMS = "write hf:owner/name, hf:owner/name/file.safetensors or hf:owner/name@revision"


def parse_address(given: str) -> HfUri:
    """The repository (``id``), ``revision`` and file (``path_in_repo``) of an address.

    The grammar is that of huggingface_hub's ``hf://`` addresses, whose slashes may be left out: a
    revision is a branch, a tag or a commit, in which a slash is written ``%2F``.

    Raises ``UserError`` for what is no address, no repository of models, or no .safetensors file:
    other files may hold code that runs when they are read.
    """
    from huggingface_hub import parse_hf_uri
    from huggingface_hub.errors import HfUriError

    try:
        address = parse_hf_uri(f"hf://{given.removeprefix(PREFIX).removeprefix('//')}")
    except HfUriError:
        raise UserError(f'"{given}" is no style on the Hub: {_FORMS}') from None
    if address.type != "model":
        raise UserError(f"{given} is a {address.type}: styles are in repositories of models")
    file = address.path_in_repo
    if file and not is_style(file):
        raise UserError(
            f"{given}: only .safetensors files are taken from the Hub, since others may hold code"
        )
    parts = f"{address.revision}/{file}"  # which become parts of paths in the cache
    if {".", ".."} & set(parts.split("/")) or {"\\", ":"} & set(parts):
        raise UserError(f'"{given}" is no style on the Hub: {_FORMS}')
    return address


def is_style(file: str) -> bool:
    """Whether a file of a repository may be fetched, by its name."""
    return PurePosixPath(file).suffix == ".safetensors"


@cache
def fetch_style(given: str) -> Path:
    """The local copy of a style on the Hub, fetched if it is not in the cache yet.

    The Hub is asked once in a process for the revision's present commit. If it does not answer,
    what was fetched before of that revision is taken.

    ``given``: ``hf:owner/name``, if the repository has one .safetensors file, or
    ``hf:owner/name@revision/file.safetensors``; see :func:`parse_address`.

    Raises ``UserError`` for no such repository, revision or file; a private or gated one; no
    connection; a file of another kind, of more than 1 GB, or whose digest is not what the Hub says.
    """
    with needs_extra("hub"), explain(given):
        address = parse_address(given)
        try:
            file = address.path_in_repo or _only(_styles(address), given)
            return _download(address, file, given)
        except Exception as error:
            cached = _cached(address, given) if is_unreachable(error) else None
            if cached is None:
                raise
            return cached


def _styles(address: HfUri) -> list[str]:
    """The .safetensors files of a repository."""
    from huggingface_hub import HfApi

    info = HfApi().model_info(address.id, revision=address.revision, timeout=_PATIENCE)
    return sorted(file.rfilename for file in info.siblings or () if is_style(file.rfilename))


def _cached(address: HfUri, given: str) -> Path | None:
    """What was fetched before of a revision."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        found = snapshot_download(address.id, revision=address.revision, local_files_only=True)
    except LocalEntryNotFoundError:
        return None
    folder = Path(found)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.safetensors"))
    file = address.path_in_repo or (_only(files, given) if files else "")
    return folder / file if file in files else None


def _only(files: Sequence[str], given: str) -> str:
    if len(files) != 1:
        several = f"{len(files)} .safetensors: name one of {_listed(files)}"
        raise UserError(f"{given} has {several if files else 'no .safetensors'}")
    return files[0]


def _download(address: HfUri, file: str, given: str) -> Path:
    """Fetch a file whose size and digest the Hub has told beforehand."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import RemoteEntryNotFoundError

    url = hf_hub_url(address.id, file, revision=address.revision)
    try:
        promised = get_hf_file_metadata(url, timeout=_PATIENCE)
    except RemoteEntryNotFoundError:
        raise UserError(f"{given}: there is no such file{_hint(file, _styles(address))}") from None
    if promised.size is None or not promised.etag or not promised.commit_hash:
        raise UserError(f"{given}: {constants.ENDPOINT} does not answer as the Hub does")
    if promised.size > MAX_BYTES:
        raise UserError(
            f"{given} has {promised.size / 1e9:.1f} GB and is no style: {MAX_BYTES >> 30} GB is the"
            " most that is fetched"
        )
    downloaded = hf_hub_download(
        address.id,
        file,
        revision=address.revision,
        library_name="faststyle",
        library_version=__version__,
        tqdm_class=_counter(given),
    )
    path = Path(downloaded)
    # huggingface_hub compares sizes alone, but for what comes through Xet.
    if not _agrees(path, promised.etag):
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise UserError(f"{given}: the download is damaged (its digest is another); try again")
    return path


def _counter(given: str) -> type[tqdm]:
    """A progress bar that ends what is larger than it said, which could fill the disk."""
    from huggingface_hub.utils.tqdm import tqdm

    class Counter(tqdm):
        received = 0.0

        def update(self, n: float | None = 1) -> bool | None:
            self.received += n or 0
            if self.received > MAX_BYTES:
                raise UserError(f"{given} does not end where the Hub says that it ends")
            return super().update(n)

    return Counter


def _agrees(path: Path, etag: str) -> bool:
    """Whether a file is what the Hub's digest of it says.

    That is a SHA-256 of files in LFS, and git's SHA-1 of others. Copies of the Hub may have a third
    kind, which says nothing.
    """
    content = path.read_bytes()
    known = (hashlib.sha256(content), hashlib.sha1(b"blob %d\0" % len(content) + content))
    digests = (digest.hexdigest() for digest in known)
    return all(digest == etag for digest in digests if len(digest) == len(etag))


def _hint(file: str, files: Sequence[str]) -> str:
    if not files:
        return ", nor any other .safetensors"
    return ": " + (nearest(file, files) if len(files) <= _SHOWN else f"it has {_listed(files)}")


def _listed(files: Sequence[str]) -> str:
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    return ", ".join(files[:_SHOWN]) + more
