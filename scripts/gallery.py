"""Photos in every style on one sheet: python scripts/gallery.py photos/."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("gallery")
