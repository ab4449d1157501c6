"""Export a style to other runtimes: python scripts/export.py --ckpt starry_night."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("export")
