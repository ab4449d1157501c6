"""Measure a style: python scripts/evaluate.py --ckpt starry_night --photos photos/."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("evaluate")
