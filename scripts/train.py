"""Train a style: python scripts/train.py style=starry_night."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("train")
