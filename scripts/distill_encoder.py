"""Distil a VGG into a small loss network: python scripts/distill_encoder.py data.root=/photos."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("distill")
