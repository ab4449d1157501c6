"""A style's program as if it were a transform network: what ``stylize --ckpt`` runs."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from faststyle.checkpoints.metadata import StyleMetadata
from faststyle.checkpoints.programs.format import Loaded
from faststyle.checkpoints.programs.pixels import BYTES, UNIT, Pixels, guess_pixels
from faststyle.checkpoints.programs.table import format_of
from faststyle.checkpoints.style_file import parse_metadata
from faststyle.core.errors import UserError
from faststyle.core.silence import silenced
from faststyle.networks import pad_to_multiple
from faststyle.pictures.pixels import quantize, resample, to_unit

log = logging.getLogger(__name__)

#: The key that ``faststyle export`` leaves in a program: which form of pixels it takes.
PIXELS_KEY = "pixels"

#: A height and width that nobody would export a program for.
_UNLIKELY = (48, 88)
#: Pixels that a program may take, where it takes one size only.
_LARGEST = 2**24


class ProgramNetwork(nn.Module):
    """A program that another runtime computes, on the CPU, as if it were a transform network.

    Args:
        program: takes and gives (N, 3, H, W), uint8 or floats. If it has a size, pictures of others
            are scaled, there and back.
        pixels: the range of a program of floats.
    """

    def __init__(self, program: Loaded, pixels: Pixels = BYTES) -> None:
        super().__init__()
        self.program = program
        self.pixels = pixels

    def forward(self, images: Tensor) -> Tensor:
        """Stylize ``images`` (N, 3, H, W; RGB in [0, 1]); the result has the same shape."""
        height, width = images.shape[-2:]
        size = self.program.size
        if size is not None:
            scaled = [self.run(resample(image, size)[None]) for image in images]
            return torch.cat([resample(image[0], (height, width))[None] for image in scaled])
        # Others' programs make pictures of other sizes where a side is no multiple of 4.
        return self.run(pad_to_multiple(images, minimum=8))[..., :height, :width]

    def run(self, images: Tensor) -> Tensor:
        """As :meth:`forward`, of a size that the program takes as it is."""
        photos = images.cpu().float()
        given = quantize(photos) if self.takes_bytes else self.pixels.encode(photos)
        stylized = self._ordered(self.compute(self._ordered(given)))
        if not stylized.is_floating_point():
            return to_unit(stylized).to(images)
        return self.pixels.decode(stylized.float()).to(images)

    def _ordered(self, values: Tensor) -> Tensor:
        return values.flip(1) if self.program.blue_first else values

    @property
    def takes_bytes(self) -> bool:
        """Whether the program's input is of uint8."""
        return self.program.dtype == torch.uint8

    def compute(self, photos: Tensor) -> Tensor:
        """What the program itself makes of the numbers ``photos``."""
        try:
            return self.program.run(photos.to(self.program.dtype).contiguous())
        except Exception as error:  # the runtimes' have no common class
            raise RuntimeError(str(error)) from None


@dataclass(frozen=True)
class ProgramStyle:
    """A style's program and what its file says of it."""

    network: ProgramNetwork
    metadata: StyleMetadata

    @property
    def name(self) -> str:
        """See :attr:`StyleMetadata.name`."""
        return self.metadata.name


def read_program(path: Path) -> ProgramStyle:
    """Read a style's program of any of these kinds, for pictures of any size.

    Supported: what ``faststyle export`` writes (bytes, or floats in [0, 1]), and programs of
    floats like those of the ONNX model zoo's fast_neural_style, whose range is found by trying
    (:mod:`faststyle.checkpoints.programs.pixels`); if these were exported for pictures of one size,
    they are freed from it where that can be done.

    Raises ``UserError`` if the file is missing or corrupt, refers to other files, is another kind
    of program, or if its runtime is not installed.
    """
    form = format_of(path)
    form.check_installed(form.runs_by)
    if not path.is_file():
        raise UserError(f"no such checkpoint: {path}")
    try:
        with silenced():
            program = form.read(path)
    except UserError:
        raise
    except Exception:  # the runtimes' have no common class
        raise UserError(f"{path} cannot be read as {form.title} (truncated?)") from None
    if program is not None and program.inputs > 1:
        raise UserError(f"{path} takes more than photos: it is no style by itself")
    if program is None:
        raise UserError(f"{path} does not run on this machine")
    texts = {"style": path.stem} | dict(program.facts)
    network = _any_size(program, path)
    if program.blue_first:
        log.warning("%s is taken for one of blue, green and red, as it says", path)
    if texts.get(PIXELS_KEY) == "float":
        network.pixels = UNIT
    elif not network.takes_bytes:
        guessed = guess_pixels(network.compute, network.program.size or _UNLIKELY)
        if guessed is None:
            raise UserError(f"{path} makes the same of all that is gray: it is not a style")
        network.pixels = guessed
        if network.pixels is not BYTES:
            log.warning("%s is taken for one of pixels %s", path, network.pixels.name)
    return ProgramStyle(network, parse_metadata(texts, path))


def _any_size(program: Loaded, path: Path) -> ProgramNetwork:
    """For pictures of any size: computed as they are, or else scaled to the program's own."""
    if program.size is None or program.is_freed:
        try:
            network = ProgramNetwork(replace(program, size=None))
            _try(network, path)
            return network
        except UserError:
            if program.size is None:
                raise
    network = ProgramNetwork(program)
    _try(network, path)
    log.warning(
        "%s takes pictures of %d x %d pixels only: others are scaled to that, and back",
        *(path, program.size[1], program.size[0]),
    )
    return network


def _try(network: ProgramNetwork, path: Path) -> None:
    """Whether it makes a picture of a picture, in an unlikely size or in its own."""
    height, width = network.program.size or _UNLIKELY
    if height * width > _LARGEST:
        raise UserError(f"{path} takes pictures of {width:,} x {height:,} pixels only: too many")
    photo = torch.rand(1, 3, height, width)
    try:
        result: Any = network.run(photo)
    except (RuntimeError, ValueError):
        raise UserError(
            f"{path} is no style for pictures of any size: it fails at {width} x {height} pixels"
        ) from None
    if result.shape != photo.shape:
        raise UserError(f"{path} makes no pictures: it is not a style")
