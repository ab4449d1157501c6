"""Distil a VGG into a small loss network: python scripts/distill_encoder.py data.root=/photos."""

from pathlib import Path

from omegaconf import DictConfig

from faststyle.command import run


def main(cfg: DictConfig) -> None:
    # Imported late: a mistake in the config should not wait for torch.
    from faststyle.distillation.run import distill

    distill(cfg)


if __name__ == "__main__":
    run(main, Path(__file__).resolve().parents[1] / "configs" / "distill.yaml")
