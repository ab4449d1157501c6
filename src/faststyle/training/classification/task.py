"""``train_classifier(cfg)``: from a composed config to weights that serve as an encoder's."""

from pathlib import Path

from omegaconf import DictConfig

from faststyle.config.objects import instantiate
from faststyle.core.errors import UserError, nearest
from faststyle.core.torch_files import write_torch
from faststyle.training.classification.data import ClassData
from faststyle.training.classification.module import Classification
from faststyle.training.classification.network import Classifier
from faststyle.training.engine.task import Task, run_task

_NORMALIZATIONS = ("data", "imagenet")


def train_classifier(cfg: DictConfig) -> Path | None:
    """Train a classifier and write its weights, with torchvision's keys and pixel statistics.

    Args:
        cfg: what ``configs/classifier.yaml`` composes.

    Returns:
        The file of the weights; see :func:`run_task`, also for what is raised.
    """
    return run_task(cfg, "classifier", cfg.export, _build_task)


def _build_task(cfg: DictConfig) -> Task:
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
    return Task(module, data, lambda path: write_torch(network.state_dict(), path))
