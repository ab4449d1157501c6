"""Distil a VGG into a small loss network: python scripts/distill_encoder.py data.root=/photos."""

import os
from pathlib import Path

import hydra
from omegaconf import DictConfig

from faststyle.config import register_resolvers, report_config_errors
from faststyle.errors import report_errors

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


@hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name="distill")
def main(cfg: DictConfig) -> None:
    with report_errors(), report_config_errors(CONFIGS, "distill"):
        # Imported late: a mistake in the config should not wait for torch and Lightning.
        from faststyle.distillation.run import distill
        from faststyle.hardware import reuse_freed_memory

        reuse_freed_memory()
        distill(cfg)


if __name__ == "__main__":
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors reach us instead of a traceback
    register_resolvers()
    with report_errors(), report_config_errors(CONFIGS, "distill"):
        main()
