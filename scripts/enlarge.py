"""Enlarge photos and clips: python scripts/enlarge.py photo.jpg."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("enlarge")
