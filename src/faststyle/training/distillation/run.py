"""``distill(cfg)``: from a composed config to the weights of a loss network."""

import logging
from pathlib import Path

import safetensors.torch
from hydra.utils import instantiate
from omegaconf import DictConfig

from faststyle.core.atomic import atomic_write
from faststyle.training.distillation.module import Distillation
from faststyle.training.engine.fit import fit, prepare_run

log = logging.getLogger(__name__)


def distill(cfg: DictConfig) -> Path | None:
    """Distil a teacher into a student and write its weights.

    Args:
        cfg: what ``configs/distill.yaml`` composes.

    Returns:
        The file of the weights, or none in all processes but the first. If a signal stopped the
        run, the process exits with 128 plus the signal's number, and the run can be resumed.

    Raises:
        UserError: anything that the user can put right; see :mod:`faststyle.core.errors`.
    """
    target = Path(cfg.export).expanduser()
    resume = prepare_run(cfg, target, "distill")
    module = Distillation(
        instantiate(cfg.student),
        instantiate(cfg.teacher),
        instantiate(cfg.pictures),
        **cfg.model,
    )
    trainer = fit(cfg, module, instantiate(cfg.data), resume)
    if not trainer.is_global_zero:
        return None
    state = {name: value.half().contiguous() for name, value in module.student.state_dict().items()}
    content = safetensors.torch.save(state, {"teacher": str(cfg.teacher.arch)})
    with atomic_write(target) as temporary:
        temporary.write_bytes(content)
    log.info("wrote %s", target)
    return target
