"""Photos to train on: ``faststyle download-coco`` and ``faststyle prepare-data``."""

import os
from pathlib import Path
from typing import Annotated

from faststyle.data.coco import ARCHIVES

_SIZES = ", ".join(f"{name} ({archive.gigabytes} GB)" for name, archive in ARCHIVES.items())


def download_coco(
    split: Annotated[str, _SIZES],
    *,
    root: Annotated[Path, "default: data/coco"] = Path("data/coco"),
) -> None:
    """Fetch, verify and unpack photos of COCO."""
    from faststyle.data.coco import download_coco

    print(download_coco(split, root))


def prepare_data(
    photos: Annotated[Path, "a folder, searched recursively"],
    *,
    output: Annotated[Path, "folder of the shards"],
    size: Annotated[int, "short side to scale to; 192 / 0.525 by default"] = 366,
    quality: Annotated[int, "of the JPEGs, 1 to 100"] = 90,
    photos_per_shard: int = 1000,
    held_out: Annotated[int, "photos kept for validation"] = 64,
    workers: Annotated[int, "processes"] = os.cpu_count() or 1,
) -> None:
    """Write photos as shards."""
    from faststyle.data.prepare import prepare

    manifest = prepare(photos, output, size, quality, photos_per_shard, held_out, workers)
    count = sum(len(shard) for shard in manifest.shards)
    print(f"{output}: {count} photos in {len(manifest.shards)} shards")
