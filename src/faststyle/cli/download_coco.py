"""``faststyle download-coco train2014 --root data/coco``: COCO's photos."""

from argparse import ArgumentParser, Namespace
from pathlib import Path


def add_arguments(parser: ArgumentParser) -> None:
    """Which photos, and where to."""
    from faststyle.data.coco import ARCHIVES

    sizes = ", ".join(f"{name} ({archive.gigabytes} GB)" for name, archive in ARCHIVES.items())
    parser.add_argument("split", help=sizes)
    parser.add_argument("--root", type=Path, default=Path("data/coco"), help="default: data/coco")


def run(args: Namespace) -> None:
    """Fetch, verify and unpack them."""
    from faststyle.data.coco import download_coco

    print(download_coco(args.split, args.root))
