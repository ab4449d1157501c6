"""Photos in shards: tar files of JPEGs and a manifest, in a folder or at any address of fsspec's.

The format is WebDataset's, so that other tools can read it; but the manifest says where each photo
begins, so that any can be read by its number. That is what makes the order a function of the seed
and the step alone: it does not depend on the number of processes and workers, and a resumed run
goes on with the very photo that was next. Streaming readers cannot promise either.
"""

import hashlib
import json
import logging
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import fsspec
import numpy as np
import simplejpeg
import torch
from torch import Tensor

from faststyle.core import storage
from faststyle.core.atomic import atomic_write
from faststyle.core.errors import UserError
from faststyle.data.source import (
    MIN_CROP_SCALE,
    DataSpec,
    DataSplits,
    PhotoSet,
    PhotoSource,
    UnavailableError,
)

MANIFEST = "manifest.json"
_FORMAT, _VERSION = "faststyle shards", 1
log = logging.getLogger(__name__)


@dataclass
class Shard:
    """A tar file, and of each photo in it: its first byte, its length, and its CRC-32."""

    name: str
    offsets: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    checksums: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.offsets)

    @cached_property
    def version(self) -> int:
        """Of the photos: others under the same name, prepared anew, are another file."""
        return zlib.crc32(json.dumps(self.checksums).encode())


@dataclass
class Manifest:
    """All shards of a set; the held-out photos have one of their own."""

    short_side: int
    shards: list[Shard]
    held_out: Shard

    def write(self, path: Path) -> None:
        """Write it atomically, as JSON."""
        content = {"format": _FORMAT, "version": _VERSION, **asdict(self)}
        with atomic_write(path) as temporary:
            temporary.write_text(json.dumps(content))


def is_sharded(root: str) -> bool:
    """Whether ``root`` is an address, or a folder with a manifest."""
    return "://" in root or (Path(root).expanduser() / MANIFEST).is_file()


def read_manifest(root: str) -> Manifest:
    """The manifest of the shards at ``root``, a folder or an address.

    Raises ``UserError`` if there is none, or it is not one that is known here.
    """
    address = f"{root.rstrip('/')}/{MANIFEST}"
    try:
        with fsspec.open(address) as file:
            text = file.read()
    except Exception as error:  # each kind of storage has errors of its own
        raise UserError(f"{address} cannot be read: {error}") from None
    try:
        content = json.loads(text)
        known = (content["format"], content["version"]) == (_FORMAT, _VERSION)
        shards = [Shard(**shard) for shard in [content["held_out"], *content["shards"]]]
    except (ValueError, KeyError, TypeError):
        known = False
    # Names of files, and not of places elsewhere on this machine.
    if not known or any(Path(shard.name).name != shard.name for shard in shards):
        raise UserError(f"{address} is no manifest of this faststyle's prepare-data")
    return Manifest(content["short_side"], shards[1:], shards[0])


class ShardSource(PhotoSource):
    """Photos of the shards at ``root``, a folder or an address, mixed a few shards at a time."""

    def __init__(self, root: str) -> None:
        self.root = root

    def open(self, request: DataSpec) -> DataSplits:
        """Read the manifest alone. Raises ``UserError`` also if photos are too small to crop."""
        manifest, size = read_manifest(self.root), request.size
        if manifest.short_side < size:
            raise UserError(
                f"data.size={size} needs larger photos than the {manifest.short_side} pixels of"
                f" {self.root}; prepare shards with --size {round(size / MIN_CROP_SCALE)}"
            )
        train = ShardedPhotos(self.root, manifest.shards, size, request.cache)
        held_out = ShardedPhotos(self.root, [manifest.held_out], size, request.cache)
        count = f"{len(train)} photos to train on in {len(manifest.shards)} shards"
        log.info("%s, %d held out, in %s", count, len(held_out), self.root)
        return DataSplits(train, held_out, [len(shard) for shard in manifest.shards])


class ShardedPhotos(PhotoSet):
    """Crops of the photos of ``shards``, addressed by their place in all of them.

    ``root`` is the folder or address of the shards, ``cache`` where those from elsewhere are kept.
    """

    def __init__(self, root: str, shards: Sequence[Shard], size: int, cache: Path) -> None:
        self.shards = list(shards)
        self.ends = np.cumsum([len(shard) for shard in self.shards])
        super().__init__(int(self.ends[-1]) if self.shards else 0, size)
        self.root = root.rstrip("/")
        digest = hashlib.sha256(self.root.encode()).hexdigest()[:16]
        self.cache = cache / "shards" / digest if "://" in root else None

    def decode(self, position: int) -> Tensor:
        """The photo at a position; a shard with a damaged photo is skipped as a whole."""
        number = int(np.searchsorted(self.ends, position, side="right"))
        shard = self.shards[number]
        start = int(self.ends[number]) - len(shard)
        path = self._local(shard)
        try:
            with path.open("rb") as file:
                file.seek(shard.offsets[position - start])
                content = file.read(shard.lengths[position - start])
            if zlib.crc32(content) != shard.checksums[position - start]:
                raise ValueError("checksum")
            pixels = simplejpeg.decode_jpeg(content, fastupsample=True)
        except (OSError, ValueError):
            self.unreadable[start : start + len(shard)] = True
            if self.cache is not None:
                path.unlink(missing_ok=True)  # the next run fetches it again
            raise UserError(f"{path} is damaged or gone; its {len(shard)} photos") from None
        return torch.from_numpy(pixels).permute(2, 0, 1)

    def _local(self, shard: Shard) -> Path:
        """The shard's file, fetched if it is elsewhere."""
        if self.cache is None:
            return Path(self.root).expanduser() / shard.name
        path = self.cache / f"{shard.version:08x}_{shard.name}"
        if not path.exists():
            fetch(f"{self.root}/{shard.name}", path)
        return path


def fetch(address: str, path: Path) -> None:
    """:func:`faststyle.core.storage.fetch`, whose errors end a training as ``UnavailableError``."""
    try:
        storage.fetch(address, path)
    except UserError as error:
        raise UnavailableError(
            f"{address} cannot be fetched to {path.parent}: {error}; resume=last goes on"
        ) from None
