"""``faststyle prepare-data /photos --output shards``: photos as shards."""

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path


def add_arguments(parser: ArgumentParser) -> None:
    """Which photos, and what shards."""
    parser.add_argument("photos", type=Path, help="a folder, searched recursively")
    parser.add_argument("--output", type=Path, required=True, help="folder of the shards")
    parser.add_argument(
        "--size", type=int, default=366, help="short side to scale to; 192 / 0.525 by default"
    )
    parser.add_argument("--quality", type=int, default=90, help="of the JPEGs, 1 to 100")
    parser.add_argument("--photos-per-shard", type=int, default=1000)
    parser.add_argument("--held-out", type=int, default=64, help="photos kept for validation")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")


def run(args: Namespace) -> None:
    """Write the shards."""
    from faststyle.data.prepare import prepare

    manifest = prepare(
        args.photos,
        args.output,
        args.size,
        args.quality,
        args.photos_per_shard,
        args.held_out,
        args.workers,
    )
    count = sum(len(shard) for shard in manifest.shards)
    print(f"{args.output}: {count} photos in {len(manifest.shards)} shards")
