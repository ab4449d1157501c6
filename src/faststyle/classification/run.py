"""``train_classifier(cfg)``: from a composed config to weights that serve as an encoder's."""

import logging
from pathlib import Path

import pytorch_lightning as pl
from hydra.utils import instantiate
from omegaconf import DictConfig

from faststyle.classification.data import ClassData
from faststyle.classification.module import Classification
from faststyle.classification.network import Classifier
from faststyle.config import find_resume
from faststyle.errors import UserError, nearest
from faststyle.files import check_writable
from faststyle.torch_files import write_torch
from faststyle.training.fit import fit, quieten

log = logging.getLogger(__name__)

_NORMALISATIONS = ("data", "imagenet")


def train_classifier(cfg: DictConfig) -> Path | None:
    """Train a classifier and write its weights, with torchvision's keys and pixel statistics.

    Args:
        cfg: what ``configs/classifier.yaml`` composes.

    Returns:
        The file of the weights, or none in all processes but the first. If a signal stopped the
        run, the process exits with 128 plus the signal's number, and the run can be resumed.

    Raises:
        UserError: anything that the user can put right; see :mod:`faststyle.errors`.
    """
    quieten()
    target, out = Path(cfg.export).expanduser(), Path(cfg.output_dir)
    check_writable(target.resolve().parent)
    if cfg.normalisation not in _NORMALISATIONS:
        guess = nearest(str(cfg.normalisation), _NORMALISATIONS)
        raise UserError(f'unknown normalisation "{cfg.normalisation}": {guess}')
    resume = find_resume(cfg.resume, "classifier", out)
    pl.seed_everything(cfg.seed, workers=True, verbose=False)
    data: ClassData = instantiate(cfg.data)
    data.prepare_data()  # now: the network needs to know the classes
    data.setup()
    network = Classifier(classes=len(data.classes), **cfg.classifier)
    if cfg.normalisation == "data":
        network.normalise_by(*data.statistics())
    module = Classification(network, instantiate(cfg.optimizer), instantiate(cfg.schedule))
    trainer = fit(cfg, module, data, resume)
    if not trainer.is_global_zero:
        return None
    write_torch(network.state_dict(), target)
    log.info("wrote %s", target)
    return target
