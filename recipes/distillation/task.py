"""``distill(cfg)``: from a composed config to the weights of a loss network."""

from functools import partial
from pathlib import Path

import safetensors.torch
from omegaconf import DictConfig

from faststyle.config.compose import instantiate
from faststyle.core.atomic import atomic_write
from faststyle.training.engine.task import Task, run_task
from recipes.distillation.module import Distillation


def distill(cfg: DictConfig) -> Path | None:
    """Distil a teacher into a student by what ``configs/distill.yaml`` composes.

    Returns the file of its weights, in float16; see :func:`run_task`.
    """
    return run_task(cfg, "distill", cfg.export, _build_task)


def _build_task(cfg: DictConfig) -> Task:
    make_module: partial[Distillation] = instantiate(cfg.model)
    module = make_module(*map(instantiate, (cfg.student, cfg.teacher, cfg.pictures)))

    def write(path: Path) -> None:
        state = module.student.state_dict()
        halves = {name: value.half().contiguous() for name, value in state.items()}
        content = safetensors.torch.save(halves, {"teacher": str(cfg.teacher.arch)})
        with atomic_write(path) as temporary:
            temporary.write_bytes(content)

    return Task(module, instantiate(cfg.data), write)
