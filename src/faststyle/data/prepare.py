"""Turning a folder of photos into shards, once, so that training reads little and in sequence."""

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import simplejpeg
import torch
from tqdm import tqdm

from faststyle.core.atomic import atomic_write, check_writable
from faststyle.core.errors import UserError, problem
from faststyle.core.limits import AtLeast
from faststyle.core.processes import fresh_processes
from faststyle.data.folder import find_photos, read_photo, split
from faststyle.data.shards import MANIFEST, Manifest, Shard
from faststyle.images.formats import check_fits
from faststyle.images.pillow import to_array
from faststyle.images.pixels import shrink


@dataclass(frozen=True)
class _Task:
    """One shard to write: which photos, how, and where."""

    photos: tuple[Path, ...]
    root: Path
    folder: Path
    name: str
    short_side: int
    quality: int

    @property
    def digest(self) -> str:
        """Of all that decides what is in the shard, to know one that is done already."""
        listed = [(str(p.relative_to(self.root)), p.stat().st_size) for p in self.photos]
        content = json.dumps([listed, self.short_side, self.quality])
        return hashlib.sha256(content.encode()).hexdigest()


def prepare(
    root: Path,
    folder: Path,
    short_side: int = 366,
    quality: int = 90,
    photos_per_shard: int = 1000,
    held_out: int = 64,
    workers: int = 1,
    seed: int = 0,
) -> Manifest:
    """Write the photos below ``root`` as shards; begun ones are finished, done ones kept.

    Photos are scaled down to ``short_side`` pixels (crops of 192 are cut from 192 to 366) and
    written as JPEGs of ``quality``; which go into one shard the ``seed`` decides. ``held_out``
    photos are kept apart for validation. The manifest goes into ``folder``, beside the shards.

    Raises ``UserError`` for no photos, none that can be read, or numbers out of range.
    """
    AtLeast(1).check("--size", short_side)
    AtLeast(1).check("--photos-per-shard", photos_per_shard)
    AtLeast(1).check("--workers", workers)
    if not 1 <= quality <= 100:
        raise UserError(f"--quality is {quality}; it must lie between 1 and 100")
    check_writable(folder)
    train, apart = split(find_photos(root), root, held_out)
    order = np.random.default_rng(seed).permutation(len(train))
    shuffled = [train[i] for i in order]
    parts = {"held_out": apart}
    for number, start in enumerate(range(0, len(shuffled), photos_per_shard)):
        parts[f"{number:05d}"] = shuffled[start : start + photos_per_shard]
    tasks = [_Task(tuple(p), root, folder, name, short_side, quality) for name, p in parts.items()]
    first, *rest = _write_all(tasks, workers)
    shards = [shard for shard in rest if len(shard)]
    if not shards:
        raise UserError(f"none of the {len(train)} photos in {root} could be read")
    manifest = Manifest(short_side, shards, first)
    manifest.write(folder / MANIFEST)
    return manifest


def _write_all(tasks: Sequence[_Task], workers: int) -> list[Shard]:
    count = sum(len(task.photos) for task in tasks)
    bar: tqdm[NoReturn] = tqdm(total=count, unit="photo", disable=None)  # none where nobody looks
    shards = []
    with ExitStack() as stack:
        written: Iterable[Shard] = map(_write, tasks)
        if workers > 1:
            options = workers, fresh_processes(__name__), torch.set_num_threads, (1,)
            written = stack.enter_context(ProcessPoolExecutor(*options)).map(_write, tasks)
        stack.enter_context(bar)
        for task, shard in zip(tasks, written, strict=True):
            shards.append(shard)
            bar.update(len(task.photos))
    return shards


def _write(task: _Task) -> Shard:
    """Write one shard, unless that was done before."""
    digest, tar = task.digest, task.folder / f"{task.name}.tar"
    index = task.folder / f".{task.name}.json"
    if index.is_file() and tar.is_file():
        known = json.loads(index.read_text())
        if known.pop("digest") == digest:
            return Shard(**known)
    shard = Shard(tar.name)
    with atomic_write(tar) as temporary, tarfile.open(temporary, "w") as archive:
        for path in task.photos:
            try:
                pixels = shrink(read_photo(path, task.short_side), task.short_side)
                check_fits(path.with_suffix(".jpg"), *pixels.shape[1:])
                content = simplejpeg.encode_jpeg(to_array(pixels), quality=task.quality)
            except Exception as error:  # whatever one photo brings about, others may follow
                tqdm.write(f"skipped: {problem(error, path)}")
                continue
            member = tarfile.TarInfo(f"{len(shard):08d}.jpg")
            member.size = len(content)
            shard.offsets.append(archive.offset + tarfile.BLOCKSIZE)
            shard.lengths.append(len(content))
            shard.checksums.append(zlib.crc32(content))
            archive.addfile(member, io.BytesIO(content))
    with atomic_write(index) as temporary:
        temporary.write_text(json.dumps({"digest": digest, **asdict(shard)}))
    return shard
