"""Every command: what it does, and where the code is that does it."""

from collections.abc import Mapping
from typing import NamedTuple


class Command(NamedTuple):
    """A command of the table.

    Args:
        does: one line for ``--help``.
        at: ``module:function``, where none is ``faststyle.cli.NAME:NAME``. The command line
            follows from its signature (:mod:`faststyle.cli.arguments`).
        extra: which of faststyle's extras brings the packages that it needs.
        config: the file in ``configs`` of a command whose settings Hydra composes instead.
        clone: its code lies beside ``src`` in a clone, and not in the wheel.
    """

    does: str
    at: str | None = None
    extra: str | None = None
    config: str | None = None
    clone: bool = False


def _composed(does: str, at: str, config: str) -> Command:
    return Command(does, f"faststyle.{at}", "train", config)


COMMANDS: Mapping[str, Command] = {
    "stylize": Command("Stylize photos and clips with a trained style.", extra="video"),
    "enlarge": Command("Enlarge photos and clips by a trained network.", extra="video"),
    "styles": Command("List the styles that have names."),
    "train": _composed(
        "Train a style, or several in one network.", "training.style.task:train", "train"
    ),
    "train-super-resolution": _composed(
        "Train a network that enlarges pictures.",
        "training.super_resolution:train_super_resolution",
        "super_resolution",
    ),
    "optimize": _composed(
        "Optimize the pixels of one picture, as Gatys et al. did.",
        "optimization.run:optimize",
        "optimize",
    ),
    "gallery": Command("Show photos in several styles on one sheet."),
    "demo": Command("Serve a page for stylizing photos.", extra="demo"),
    "webcam": Command("Show a camera's pictures in a style, live.", extra="webcam"),
    "export": Command("Export a trained style to other runtimes.", extra="export"),
    "publish": Command("Publish a style on the Hugging Face Hub.", extra="hub"),
    "evaluate": Command("Measure a trained style or enlarger on held-out photos.", extra="train"),
    "features": Command("Show what a loss network sees in a photo.", extra="train"),
    "benchmark": Command(
        "Measure how fast faststyle is here, in a clone.",
        "benchmarks.command:benchmark",
        "benchmark",
        clone=True,
    ),
    "download-coco": Command(
        "Fetch, verify and unpack the photos of COCO.", "faststyle.cli.data:download_coco", "train"
    ),
    "prepare-data": Command(
        "Turn a folder of photos into shards for training, once.",
        "faststyle.cli.data:prepare_data",
        "train",
    ),
    "distill": Command(
        "Distil a VGG into a small loss network, in a clone.",
        "recipes.distillation.task:distill",
        "train",
        "distill",
        clone=True,
    ),
    "train-classifier": Command(
        "Train a VGG that may serve as loss network, in a clone.",
        "recipes.classification.task:train_classifier",
        "train",
        "classifier",
        clone=True,
    ),
    "info": Command("Say what a report of a bug should say."),
}

ALIASES: Mapping[str, str] = {"infer": "stylize"}

#: What ``train task=...`` trains, and the command that does.
TASKS: Mapping[str, str] = {"style": "train", "super_resolution": "train-super-resolution"}
