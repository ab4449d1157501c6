"""Optimize one picture: python scripts/optimize.py content=photo.jpg style=starry_night."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("optimize")
