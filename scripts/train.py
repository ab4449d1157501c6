"""Train a style: python scripts/train.py style=starry_night."""

from pathlib import Path

from omegaconf import DictConfig

from faststyle.config.command import launch


def main(cfg: DictConfig) -> None:
    # Imported late: a mistake in the config should not wait for torch.
    from faststyle.training.style.task import train

    train(cfg)


if __name__ == "__main__":
    launch(main, Path(__file__).resolve().parents[1] / "configs" / "train.yaml")
