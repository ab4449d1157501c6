"""Photos as shards: python scripts/prepare_data.py /photos --output shards."""

import argparse
import os
from pathlib import Path

from faststyle.core.errors import report_errors


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Turn a folder of photos into shards for training, once.",
        epilog="If it is interrupted, the same command goes on.",
    )
    parser.add_argument("photos", type=Path, help="a folder, searched recursively")
    parser.add_argument("--output", type=Path, required=True, help="folder of the shards")
    parser.add_argument(
        "--size", type=int, default=366, help="short side to scale to; 256 / 0.7 by default"
    )
    parser.add_argument("--quality", type=int, default=90, help="of the JPEGs, 1 to 100")
    parser.add_argument("--photos-per-shard", type=int, default=1000)
    parser.add_argument("--held-out", type=int, default=64, help="photos kept for validation")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    return parser.parse_args()


def main() -> None:
    args = parse()
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


if __name__ == "__main__":
    with report_errors():
        main()
