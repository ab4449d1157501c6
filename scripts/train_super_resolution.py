"""Train a network that enlarges: python scripts/train_super_resolution.py factor=4."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("train-super-resolution")
