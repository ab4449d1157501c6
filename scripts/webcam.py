"""A camera's pictures in a style, live: python scripts/webcam.py --ckpt starry_night_small."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("webcam")
