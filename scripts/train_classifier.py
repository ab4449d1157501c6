"""Train a VGG as loss network: python scripts/train_classifier.py data.root=/classes."""

from faststyle.cli.main import main

if __name__ == "__main__":
    main("train-classifier")
