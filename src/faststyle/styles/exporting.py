"""A trained style as a model for other runtimes (:mod:`faststyle.export`).

An exported model takes photos as bytes or as floats in [0, 1], and gives the stylized or enlarged
ones likewise; nothing is left to normalize outside. A network of S styles takes the weight of each,
float32 (S,), as well.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from faststyle.core.atomic import atomic_write
from faststyle.core.errors import UserError
from faststyle.core.silence import suppress_output
from faststyle.export import BACKENDS
from faststyle.export.export_module import (
    ANY,
    MIN_SIDE_KEY,
    MULTIPLE4,
    PIXELS_KEY,
    SIZES_KEY,
    ExportModule,
    ExportOptions,
)
from faststyle.images.pixels import resample
from faststyle.networks.conditional import count_styles
from faststyle.styles.style_file import TrainedStyle

#: Sizes (N, H, W) at which a model is compared with the network that it was made from.
_CHECKED = {
    ANY: ((1, 64, 64), (2, 37, 50), (1, 101, 203)),
    MULTIPLE4: ((1, 64, 64), (2, 136, 160), (1, 164, 136)),
}


class Difference(NamedTuple):
    """How far an exported model is from the network in float32, in gray levels of 255.

    ``in_float16``: the largest where a runtime computes in float16, as not every one does that is
    told to; none for a model of float32.
    """

    largest: float
    mean: float
    in_float16: float | None = None

    def __str__(self) -> str:
        told = f"at most {self.largest:.2f} of 255 from the network, {self.mean:.2f} in the mean"
        if self.in_float16 is None:
            return told
        return f"{told}; {self.in_float16:.2f} where float16 is computed with"


def export(
    style: TrainedStyle, path: Path, format: str = "onnx", options: ExportOptions | None = None
) -> Difference | None:
    """Write ``style`` as a model, load it by its runtime, and compare it with the network.

    Args:
        style: a trained style; its metadata goes along.
        path: where to; replaced atomically.
        format: a name in :data:`faststyle.export.BACKENDS`.
        options: how.

    Returns:
        The difference at several sizes, of noise, or of the photos that 8 bits were calibrated
        with; none if the runtime does not run on this machine.

    Raises:
        UserError: an unknown format, options that it does not support, a network that its converter
            cannot write, or what it needs is not installed.
    """
    backend = BACKENDS.build(format)
    options = backend.check_options(options or ExportOptions(), count_styles(style.network))
    module = backend.make_module(style.network, options)
    metadata = {**style.metadata.write(), PIXELS_KEY: options.pixels, **_say_sizes(module, options)}
    with atomic_write(path) as temporary:
        with _suppress_converters():
            try:
                backend.write(module, temporary, metadata, options)
            except (UserError, OSError, MemoryError):
                raise
            except Exception as error:  # the converters' have no common class
                why = " ".join(str(error).split())
                raise UserError(f"{backend.title} has no form of this network: {why}") from error
            loaded = backend.load(temporary)
        if not loaded:
            return None
        exact = ExportModule(style.network, options.pixels)
        found = _compare(exact, loaded.run, options)
        if module.dtype == torch.float16:
            return found._replace(in_float16=_compare(exact, module, options).largest)
        return found


def _say_sizes(module: ExportModule, options: ExportOptions) -> dict[str, str]:
    if options.size:
        return {SIZES_KEY: "{}x{}".format(*options.size)}
    least = {MIN_SIDE_KEY: str(module.smallest_side)} if options.sizes == MULTIPLE4 else {}
    return {SIZES_KEY: str(options.sizes), **least}


@contextmanager
def _suppress_converters() -> Iterator[None]:
    """What converters tell of their progress is no news to who exports a style."""
    with suppress_output(), redirect_stdout(StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)


def _examples(exact: ExportModule, options: ExportOptions) -> Iterator[tuple[Tensor, ...]]:
    sizes = ((1, *options.size),) if options.size else _CHECKED[str(options.sizes)]
    for count, height, width in sizes:
        size = height, width
        photos, *style_weights = exact.example(count, *size)
        if options.int8:  # calibrated for photos, it need not know noise
            shown = [options.calibration[i % len(options.calibration)] for i in range(count)]
            photos = exact.encode(torch.stack([resample(each[0], size) for each in shown]))
        yield (photos, *style_weights)


@torch.no_grad()
def _compare(exact: ExportModule, run: Callable[..., Tensor], options: ExportOptions) -> Difference:
    scale = 1 if exact.bytes else 255
    errors = [
        (exact(*given).float() - run(*given).float()).abs().flatten() * scale
        for given in _examples(exact, options)
    ]
    together = torch.cat(errors)
    return Difference(together.max().item(), together.mean().item())
