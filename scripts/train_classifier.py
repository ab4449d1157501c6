"""Train a VGG that may serve as encoder: python scripts/train_classifier.py data.root=/classes."""

from pathlib import Path

from omegaconf import DictConfig

from faststyle.config.command import launch


def main(cfg: DictConfig) -> None:
    # Imported late: a mistake in the config should not wait for torch.
    from faststyle.training.classification.task import train_classifier

    train_classifier(cfg)


if __name__ == "__main__":
    launch(main, Path(__file__).resolve().parents[1] / "configs" / "classifier.yaml")
