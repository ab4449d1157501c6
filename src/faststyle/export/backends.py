"""Every format of programs. A new one is a file beside this one, and a line here."""

from collections.abc import Mapping
from pathlib import Path

from faststyle.core.errors import UserError, nearest
from faststyle.export.backend import ExportBackend
from faststyle.export.coreml import CoreMl
from faststyle.export.executorch import ExecuTorch
from faststyle.export.litert import LiteRt
from faststyle.export.onnx import Onnx
from faststyle.export.openvino import OpenVino
from faststyle.export.torch import Torch

#: By the name that ``--format`` calls it. None of these modules imports its packages before it
#: needs them.
BACKENDS: Mapping[str, ExportBackend] = {
    form.name: form for form in (Onnx(), Torch(), OpenVino(), ExecuTorch(), LiteRt(), CoreMl())
}


def find_backend(name: str) -> ExportBackend:
    """The format of that name. Raises ``UserError`` for none."""
    if name not in BACKENDS:
        raise UserError(f'unknown format "{name}": {nearest(name, BACKENDS)}')
    return BACKENDS[name]


def is_exported_model(path: Path) -> bool:
    """Whether it is a file of a program that another runtime computes, by its suffix."""
    return any(form.is_read and path.suffix == form.suffix for form in BACKENDS.values())


def backend_of(path: Path) -> ExportBackend:
    """The format of a file that :func:`is_exported_model`."""
    return next(form for form in BACKENDS.values() if form.is_read and path.suffix == form.suffix)
