"""A page for stylizing photos in the browser: python scripts/demo.py."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("demo")
