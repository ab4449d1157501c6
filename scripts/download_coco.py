"""Fetch COCO's photos: python scripts/download_coco.py train2014 --root data/coco."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("download-coco")
