"""Optimise one picture: python scripts/optimize.py content=photo.jpg style=starry_night."""

import os
from pathlib import Path

import hydra
from omegaconf import DictConfig

from faststyle.config import register_resolvers, report_config_errors
from faststyle.errors import report_errors

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


@hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name="optimize")
def main(cfg: DictConfig) -> None:
    with report_errors(), report_config_errors(CONFIGS, "optimize"):
        # Imported late: a mistake in the config should not wait for torch.
        from faststyle.hardware import reuse_freed_memory
        from faststyle.optimization.run import optimize

        reuse_freed_memory()
        optimize(cfg)


if __name__ == "__main__":
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # errors reach us instead of a traceback
    register_resolvers()
    with report_errors(), report_config_errors(CONFIGS, "optimize"):
        main()
