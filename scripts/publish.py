"""Publish a style on the Hugging Face Hub: python scripts/publish.py starry_night owner/name."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("publish")
