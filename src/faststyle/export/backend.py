"""What every format of programs is: how it is written, and how it is run."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.export.export_module import ExportModule, ExportOptions
from faststyle.networks.portable import fix_noise

#: Height and width of the pictures of a program that can have one size only, if none is given.
USUAL_SIZE = (512, 512)


@dataclass(frozen=True)
class LoadedModel:
    """A program that its runtime has loaded.

    Args:
        run: what the program makes of photos (N, 3, H, W), or of these and a mixture; numbers as
            it takes them, and as it gives them.
        dtype: of the photos.
        facts: texts by key, as far as the file says any.
        size: height and width of the only pictures that it takes, one at a time; none for any.
        is_freed: whether it may compute others than of ``size`` all the same.
        inputs: how many it has; more than photos where it is told the mixture of styles.
        blue_first: whether its channels are blue, green and red, in and out.
    """

    run: Callable[..., Tensor]
    dtype: torch.dtype
    facts: Mapping[str, str]
    size: tuple[int, int] | None = None
    is_freed: bool = False
    inputs: int = 1
    blue_first: bool = False


class ExportBackend(ABC):
    """A format of programs. One of these is a file beside this one, and a line in the table.

    Attributes:
        name: what ``--format`` calls it.
        title: what people call it.
        suffix: of its files.
        needs: the packages that write it.
        runs_by: the packages that run it.
        extra: which of faststyle's extras brings these.
        supports: which of ``half``, ``int8``, ``mixable``, ``opset`` and ``any_size`` it can have.
        is_read: whether ``stylize --ckpt`` takes its files.
        unavailable_reason: what is said where :meth:`load` gives none.
    """

    name: str
    title: str
    suffix: str
    needs: tuple[str, ...] = ()
    runs_by: tuple[str, ...] = ()
    extra: str = "export"
    supports: frozenset[str] = frozenset()
    is_read: bool = True
    unavailable_reason: str = "not run here"

    @abstractmethod
    def write(
        self, program: ExportModule, path: Path, facts: Mapping[str, str], options: ExportOptions
    ) -> None:
        """Write ``program``, and what is known of it; settled ``options`` say how."""

    @abstractmethod
    def load(self, path: Path) -> LoadedModel | None:
        """Load what :meth:`write` wrote by the runtime that it is for.

        None if that does not run on this machine: then what the file holds is checked.
        """

    def read(self, path: Path) -> LoadedModel | None:
        """Load a program of anybody's. Raises ``UserError``, or any ``Exception`` for damage."""
        return self.load(path)

    def files(self, path: Path) -> tuple[Path, ...]:
        """All that :meth:`write` writes, ``path`` among it."""
        return (path,)

    def settle(self, options: ExportOptions, styles: int) -> ExportOptions:
        """What of ``options`` becomes of this format.

        ``styles``: how many styles the mixture of which is an input, or 0. Raises ``UserError``
        for what this format cannot have, or if its packages are not installed.
        """
        wanted = {
            "half": options.half,
            "int8": options.int8,
            "mixable": bool(styles),
            "opset": options.opset or options.ir_version,
        }
        for name, is_wanted in wanted.items():
            if is_wanted and name not in self.supports:
                raise UserError(f"--{name}: --format {self.name} has no such form")
        if styles and options.int8:
            raise UserError("--int8 and --mixable exclude each other")
        self.check_installed((*self.needs, *self.runs_by))
        if options.size is None and "any_size" not in self.supports:
            return replace(options, size=USUAL_SIZE)
        return options

    def check_installed(self, packages: tuple[str, ...]) -> None:
        """Raise ``UserError`` if one of ``packages`` is missing."""
        if not all(_is_installed(package) for package in packages):
            raise UserError(
                f'{self.title} needs more packages: pip install "faststyle[{self.extra}]"'
            )

    def program(self, network: nn.Module, options: ExportOptions) -> ExportModule:
        """What is traced: ``network`` in the form that the runtime computes fastest."""
        changed = fix_noise(network, options.size) if options.size else network
        return ExportModule(changed, options.pixels, options.half)


def trace(program: ExportModule, size: tuple[int, int] | None) -> torch.export.ExportedProgram:
    """``program`` as a graph, for one picture of ``size``, or for any number of any size."""
    if size:
        return torch.export.export(program, program.example(1, *size))
    dynamic = torch.export.Dim.DYNAMIC
    of_photos = {0: dynamic, 2: dynamic, 3: dynamic}
    shapes = (of_photos, (None,)) if program.styles else (of_photos,)
    return torch.export.export(program, program.example(2, 37, 50), dynamic_shapes=shapes)


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False
