"""Every command: what it does, and where the code is that does it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A command of the table.

    Args:
        does: one line for ``--help``.
        at: a module with ``add_arguments`` and ``run``; or, of a command whose settings Hydra
            composes, ``module:function``, which takes them.
        extra: which of faststyle's extras brings the packages that it needs.
        config: of a command that Hydra composes, the name of the file in ``configs``.
    """

    does: str
    at: str
    extra: str | None = None
    config: str | None = None


COMMANDS: Mapping[str, Command] = {
    "stylize": Command(
        "Stylize photos and clips with a trained style.", "faststyle.cli.stylize", "video"
    ),
    "enlarge": Command(
        "Enlarge photos and clips by a trained network.", "faststyle.cli.enlarge", "video"
    ),
    "styles": Command("List the styles that have names.", "faststyle.cli.styles"),
    "train": Command(
        "Train a style, or several in one network.",
        "faststyle.training.style.task:train",
        "train",
        config="train",
    ),
    "train-super-resolution": Command(
        "Train a network that enlarges pictures.",
        "faststyle.training.super_resolution:train_super_resolution",
        "train",
        config="super_resolution",
    ),
    "optimize": Command(
        "Optimize the pixels of one picture, as Gatys et al. did.",
        "faststyle.optimization.run:optimize",
        "train",
        config="optimize",
    ),
    "gallery": Command("Show photos in several styles on one sheet.", "faststyle.cli.gallery"),
    "demo": Command("Serve a page for stylizing photos.", "faststyle.cli.demo", "demo"),
    "webcam": Command(
        "Show a camera's pictures in a style, live.", "faststyle.cli.webcam", "webcam"
    ),
    "export": Command(
        "Export a trained style to other runtimes.", "faststyle.cli.export", "export"
    ),
    "publish": Command("Publish a style on the Hugging Face Hub.", "faststyle.cli.publish", "hub"),
    "evaluate": Command(
        "Measure a trained style or enlarger on held-out photos.",
        "faststyle.cli.evaluate",
        "train",
    ),
    "features": Command(
        "Show what a loss network sees in a photo.", "faststyle.cli.features", "train"
    ),
    "benchmark": Command(
        "Measure how fast faststyle is here, in a clone.", "faststyle.cli.benchmark", "benchmark"
    ),
    "download-coco": Command(
        "Fetch, verify and unpack the photos of COCO.", "faststyle.cli.download_coco", "train"
    ),
    "prepare-data": Command(
        "Turn a folder of photos into shards for training, once.",
        "faststyle.cli.prepare_data",
        "train",
    ),
    "distill": Command(
        "Distil a VGG into a small loss network.",
        "faststyle.training.distillation.task:distill",
        "train",
        config="distill",
    ),
    "train-classifier": Command(
        "Train a VGG that may serve as loss network.",
        "faststyle.training.classification.task:train_classifier",
        "train",
        config="classifier",
    ),
    "info": Command("Say what a report of a bug should say.", "faststyle.cli.info"),
}

ALIASES: Mapping[str, str] = {"infer": "stylize"}

#: What ``train task=...`` trains, and the command that does.
TASKS: Mapping[str, str] = {"style": "train", "super_resolution": "train-super-resolution"}
