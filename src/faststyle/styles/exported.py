"""Styles as exported models, which ``stylize --ckpt`` takes."""

import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from faststyle.core.errors import UserError
from faststyle.core.silence import suppress_output
from faststyle.export import backend_of
from faststyle.export.backend import LoadedModel
from faststyle.export.export_module import MIN_SIDE_KEY, PIXELS_KEY
from faststyle.export.exported_network import BYTES, UNIT, ExportedNetwork, guess_pixels
from faststyle.networks import pad_to_multiple
from faststyle.styles.style_file import TrainedStyle, parse_metadata

log = logging.getLogger(__name__)

#: A height and width that nobody would export a model for.
_UNLIKELY = (48, 88)
#: Pixels that a model may take, where it takes one size only.
_LARGEST = 2**24


def read_exported_style(path: Path) -> TrainedStyle:
    """Read a style from an exported model, for pictures of any size.

    Supported: what ``faststyle export`` writes (bytes, or floats in [0, 1]), and models of floats
    like those of the ONNX model zoo's fast_neural_style, whose range is found by trying
    (:func:`guess_pixels`); if these were exported for pictures of one size, they are freed from it
    where that can be done.

    Raises ``UserError`` if the file is missing or corrupt, refers to other files, is another kind
    of model, or if its runtime is not installed.
    """
    backend = backend_of(path)
    assert backend is not None
    backend.check_installed(to_write=False)
    if not path.is_file():
        raise UserError(f"no such checkpoint: {path}")
    try:
        with suppress_output():
            model = backend.read(path)
    except UserError:
        raise
    except Exception:  # the runtimes' have no common class
        raise UserError(f"{path} cannot be read as {backend.title} (truncated?)") from None
    if model is None:
        raise UserError(f"{path} does not run on this machine")
    if model.inputs > 1:
        raise UserError(f"{path} takes more than photos: it is no style by itself")
    texts = {"style": path.stem} | dict(model.metadata)
    network = _any_size(model, path)
    if model.blue_first:
        log.warning("%s is taken for one of blue, green and red, as it says", path)
    if texts.get(PIXELS_KEY) == "float":
        network.pixels = UNIT
    elif not network.takes_bytes:
        guessed = guess_pixels(network.compute, network.model.size or _UNLIKELY)
        if guessed is None:
            raise UserError(f"{path} makes the same of all that is gray: it is not a style")
        network.pixels = guessed
        if guessed is not BYTES:
            log.warning("%s is taken for one of pixels %s", path, guessed.name)
    return TrainedStyle(network, parse_metadata(texts, path))


def _any_size(model: LoadedModel, path: Path) -> ExportedNetwork:
    """For pictures of any size: computed as they are, or else scaled to the model's own."""
    if model.size is None or model.is_freed:
        try:
            return _tried(replace(model, size=None), path)
        except UserError:
            if model.size is None:
                raise
    network = _tried(model, path)
    log.warning(
        "%s takes pictures of %d x %d pixels only: others are scaled to that, and back",
        *(path, model.size[1], model.size[0]),
    )
    return network


def _tried(model: LoadedModel, path: Path) -> ExportedNetwork:
    """The network, if it makes a picture of a picture, in an unlikely size or in its own."""
    height, width = model.size or _UNLIKELY
    if height * width > _LARGEST:
        raise UserError(f"{path} takes pictures of {width:,} x {height:,} pixels only: too many")
    network = ExportedNetwork(model)
    least = model.metadata.get(MIN_SIDE_KEY, "")
    if re.fullmatch(r"\d{1,3}", least):
        network.min_side = int(least)
    photo = pad_to_multiple(torch.rand(1, 3, height, width), network.min_side)
    try:
        result: Any = network.run(photo)
    except (RuntimeError, ValueError):
        raise UserError(
            f"{path} is no style for pictures of any size: it fails at {width} x {height} pixels"
        ) from None
    if result.shape != photo.shape:
        raise UserError(f"{path} makes no pictures: it is not a style")
    return network
