"""Stylize photos and clips: python scripts/infer.py --ckpt starry_night photo.jpg."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("stylize")
