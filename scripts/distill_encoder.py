"""Distil a VGG into a small loss network: python scripts/distill_encoder.py data.root=/photos."""

from pathlib import Path

from omegaconf import DictConfig

from faststyle.config.command import launch


def main(cfg: DictConfig) -> None:
    # Imported late: a mistake in the config should not wait for torch.
    from faststyle.training.distillation.task import distill

    distill(cfg)


if __name__ == "__main__":
    launch(main, Path(__file__).resolve().parents[1] / "configs" / "distill.yaml")
