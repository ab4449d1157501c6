"""COCO's photos (Lin et al., 2014), downloaded and unpacked once."""

import shutil
import zipfile
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from faststyle.core.downloads import fetch_large
from faststyle.core.errors import UserError, nearest
from faststyle.data.folder import FolderSource
from faststyle.data.source import SOURCES, DataSpec, DataSplits, PhotoSource


class Archive(NamedTuple):
    """A zip file of one split: where it is, its MD5 digest, and roughly what it takes on disk."""

    url: str
    md5: str
    gigabytes: float


_HOST = "http://images.cocodataset.org/zips"
ARCHIVES = {
    "train2014": Archive(f"{_HOST}/train2014.zip", "0da8c0bd3d6becc4dcb32757491aca88", 13.5),
    "train2017": Archive(f"{_HOST}/train2017.zip", "cced6f7f71b7629ddf16f17bbcfab6b2", 19.3),
    "val2017": Archive(f"{_HOST}/val2017.zip", "442b8da7639aecaf257c1dceb8ba8c80", 0.8),
}


@SOURCES.register("download")
class CocoSource(PhotoSource):
    """The photos of one ``split``, kept in the cache."""

    rank = 3

    def __init__(self, split: str) -> None:
        self.split = split

    def prepare(self, request: DataSpec) -> None:
        """Fetch them once."""
        download_coco(self.split, request.cache / "coco")

    def open(self, request: DataSpec) -> DataSplits:
        """Split the folder of the photos."""
        return FolderSource(request.cache / "coco" / self.split).open(request)


def download_coco(split: str, root: Path) -> Path:
    """Fetch a split into ``root / split`` unless it is there already, and return that folder.

    The archive resumes after an interruption, is verified by its MD5 digest, is unpacked beside
    its final place, and is removed when the folder has been renamed.

    Raises ``UserError`` for an unknown split, no network, a damaged archive or too little room.
    """
    if split not in ARCHIVES:
        raise UserError(f'unknown COCO split "{split}": {nearest(split, ARCHIVES)}')
    folder = root / split
    if folder.is_dir():
        return folder
    archive = ARCHIVES[split]
    root.mkdir(parents=True, exist_ok=True)
    zip_path = root / f"{split}.zip"
    if not zip_path.exists():
        free, needed = shutil.disk_usage(root).free / 1e9, archive.gigabytes * 2
        if free < needed:
            raise UserError(f"{root} has {free:.1f} GB free; {needed:.1f} GB are needed")
        fetch_large(archive.url, zip_path, archive.md5)
    unpack(zip_path, folder)
    zip_path.unlink()
    return folder


def unpack(zip_path: Path, folder: Path) -> None:
    """Unpack ``zip_path``, whose files lie in a folder of the same name, to appear as ``folder``.

    Raises ``UserError`` if the archive is damaged or holds no such folder.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with zipfile.ZipFile(zip_path) as archive:
            for member in tqdm(archive.infolist(), desc=f"unpacking {zip_path.name}", unit="file"):
                archive.extract(member, partial)
        inner = partial / folder.name
        if not inner.is_dir():
            raise UserError(f"{zip_path} holds no folder {folder.name}")
        inner.replace(folder)
    except zipfile.BadZipFile:
        raise UserError(f"{zip_path} is damaged; remove it and try again") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
