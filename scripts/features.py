"""Look into the loss network: python scripts/features.py photo.jpg --layers relu1_2."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("features")
