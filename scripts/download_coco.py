"""Fetch COCO's photos: python scripts/download_coco.py train2014 --root data/coco."""

import argparse
from pathlib import Path

from faststyle.core.errors import report_errors
from faststyle.data.coco import ARCHIVES, download_coco


def main() -> None:
    sizes = ", ".join(f"{name} ({archive.gigabytes} GB)" for name, archive in ARCHIVES.items())
    parser = argparse.ArgumentParser(description="Fetch, verify and unpack the photos of COCO.")
    parser.add_argument("split", help=sizes)
    parser.add_argument("--root", type=Path, default=Path("data/coco"), help="default: data/coco")
    args = parser.parse_args()
    print(download_coco(args.split, args.root))


if __name__ == "__main__":
    with report_errors():
        main()
