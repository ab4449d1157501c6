"""Other runtimes on a style's exported program, as variants of stylizing one photo.

All get what makes them fastest: a program for the size of the photo, and threads like ours.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from faststyle.benchmark.compare import Stages, Variant
from faststyle.core.errors import UserError
from faststyle.data.calibration import calibration_photos
from faststyle.export import ExportOptions, find_backend
from faststyle.export.exporting import export
from faststyle.styles import TrainedStyle


class Runtime(NamedTuple):
    """The format of its programs, and whether these are in 8 bits."""

    form: str
    int8: bool = False


#: By the name that ``--against`` calls it.
RUNTIMES = {
    "onnxruntime": Runtime("onnx"),
    "onnxruntime-int8": Runtime("onnx", int8=True),
    "openvino": Runtime("openvino"),
    "executorch": Runtime("executorch"),
    "executorch-int8": Runtime("executorch", int8=True),
    "litert": Runtime("litert"),
    "litert-int8": Runtime("litert", int8=True),
}


def check_runtimes(names: Sequence[str]) -> None:
    """Raise ``UserError`` if the packages of one of :data:`RUNTIMES` are not installed."""
    for name in names:
        form = find_backend(RUNTIMES[name].form)
        try:
            form.check_installed((*form.needs, *form.runs_by))
        except UserError as error:
            raise UserError(f"--against {name}: {error}") from None


def runtime_variants(
    names: Sequence[str],
    style: TrainedStyle,
    size: tuple[int, int],
    photo: Callable[[], Tensor],
    folder: Path,
) -> list[Variant]:
    """A variant for each of :data:`RUNTIMES` by these names, its program being written here.

    Args:
        names: of runtimes.
        style: what is exported.
        size: height and width of the photo, multiples of 4.
        photo: gives (1, 3, H, W); picklable.
        folder: where programs are written to.
    """
    made = []
    for name in names:
        runtime = RUNTIMES[name]
        form = find_backend(runtime.form)
        photos = calibration_photos() if runtime.int8 else ()
        options = ExportOptions("float", int8=runtime.int8, size=size, calibration=photos)
        program = folder / f"{name}{form.suffix}"
        export(style, program, runtime.form, options)
        made.append(Variant(name, partial(_prepare, runtime.form, program, photo)))
    return made


def bytes_of(name: str, folder: Path) -> int:
    """The size of what :func:`runtime_variants` wrote for a runtime."""
    return sum(path.stat().st_size for path in folder.glob(f"{name}.*"))


def _prepare(form: str, program: Path, photo: Callable[[], Tensor]) -> Stages:
    loaded, photos = find_backend(form).load(program), photo()
    assert loaded is not None

    def run() -> np.ndarray:
        return loaded.run(photos)[0].clamp(0, 1).numpy()

    return [("stylize", run)]
