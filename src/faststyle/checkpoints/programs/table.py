"""Every format of programs. A new one is a file beside this one, and a line here."""

from collections.abc import Mapping
from pathlib import Path

from faststyle.checkpoints.programs.coreml import CoreMl
from faststyle.checkpoints.programs.executorch import ExecuTorch
from faststyle.checkpoints.programs.format import Format
from faststyle.checkpoints.programs.litert import LiteRt
from faststyle.checkpoints.programs.onnx import Onnx
from faststyle.checkpoints.programs.openvino import OpenVino
from faststyle.checkpoints.programs.torch import Torch
from faststyle.core.errors import UserError, nearest

#: By the name that ``--format`` calls it. None of these modules imports its packages before it
#: needs them.
FORMATS: Mapping[str, Format] = {
    form.name: form for form in (Onnx(), Torch(), OpenVino(), ExecuTorch(), LiteRt(), CoreMl())
}


def find_format(name: str) -> Format:
    """The format of that name. Raises ``UserError`` for none."""
    if name not in FORMATS:
        raise UserError(f'unknown format "{name}": {nearest(name, FORMATS)}')
    return FORMATS[name]


def is_program(path: Path) -> bool:
    """Whether it is a file of a program that another runtime computes, by its suffix."""
    return any(form.is_read and path.suffix == form.suffix for form in FORMATS.values())


def format_of(path: Path) -> Format:
    """The format of a file that :func:`is_program`."""
    return next(form for form in FORMATS.values() if form.is_read and path.suffix == form.suffix)
