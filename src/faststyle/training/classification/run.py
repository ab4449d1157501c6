"""``train_classifier(cfg)``: from a composed config to weights that serve as an encoder's."""

import logging
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from faststyle.core.errors import UserError, nearest
from faststyle.core.torch_files import write_torch
from faststyle.training.classification.data import ClassData
from faststyle.training.classification.module import Classification
from faststyle.training.classification.network import Classifier
from faststyle.training.engine.fit import fit, prepare_run

log = logging.getLogger(__name__)

_NORMALIZATIONS = ("data", "imagenet")


def train_classifier(cfg: DictConfig) -> Path | None:
    """Train a classifier and write its weights, with torchvision's keys and pixel statistics.

    Args:
        cfg: what ``configs/classifier.yaml`` composes.

    Returns:
        The file of the weights, or none in all processes but the first. If a signal stopped the
        run, the process exits with 128 plus the signal's number, and the run can be resumed.

    Raises:
        UserError: anything that the user can put right; see :mod:`faststyle.core.errors`.
    """
    target = Path(cfg.export).expanduser()
    resume = prepare_run(cfg, target, "classifier")
    if cfg.normalization not in _NORMALIZATIONS:
        guess = nearest(str(cfg.normalization), _NORMALIZATIONS)
        raise UserError(f'unknown normalization "{cfg.normalization}": {guess}')
    data: ClassData = instantiate(cfg.data)
    data.prepare_data()  # now: the network needs to know the classes
    data.setup()
    network = Classifier(classes=len(data.classes), **cfg.classifier)
    if cfg.normalization == "data":
        network.normalize_by(*data.statistics())
    module = Classification(network, instantiate(cfg.optimizer), instantiate(cfg.schedule))
    trainer = fit(cfg, module, data, resume)
    if not trainer.is_global_zero:
        return None
    write_torch(network.state_dict(), target)
    log.info("wrote %s", target)
    return target
