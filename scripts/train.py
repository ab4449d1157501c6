"""Train a style: python scripts/train.py style=starry_night."""

from pathlib import Path

from omegaconf import DictConfig

from faststyle.command import run


def main(cfg: DictConfig) -> None:
    # Imported late: a mistake in the config should not wait for torch.
    from faststyle.training.run import train

    train(cfg)


if __name__ == "__main__":
    run(main, Path(__file__).resolve().parents[1] / "configs" / "train.yaml")
