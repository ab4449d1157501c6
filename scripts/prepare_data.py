"""Photos as shards: python scripts/prepare_data.py /photos --output shards."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("prepare-data")
