"""What a backend is: how a model for another runtime is written, and how it is run."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.core.registry import Registry
from faststyle.export.export_module import ANY, MULTIPLE4, ExportModule, ExportOptions
from faststyle.networks import STRIDE
from faststyle.networks.portable import fix_noise

#: Among :attr:`ExportBackend.sizes`, what stands for one height and width, and which one it is if
#: none is asked for.
FIXED = "HxW"
DEFAULT_SIZE = (512, 512)


@dataclass(frozen=True)
class LoadedModel:
    """An exported model that its runtime has loaded.

    Args:
        run: what the model makes of photos (N, 3, H, W), or of these and style weights; numbers as
            it takes them, and as it gives them.
        dtype: of the photos.
        metadata: texts by key, as far as the file says any.
        size: height and width of the only pictures that it takes, one at a time; none for any.
        is_freed: whether it may compute others than of ``size`` all the same.
        inputs: how many it has; more than photos where it is told the weights of styles.
        blue_first: whether its channels are blue, green and red, in and out.
    """

    run: Callable[..., Tensor]
    dtype: torch.dtype
    metadata: Mapping[str, str]
    size: tuple[int, int] | None = None
    is_freed: bool = False
    inputs: int = 1
    blue_first: bool = False


class ExportBackend(ABC):
    """A runtime for which models are exported: one class in one file, registered by name.

    Attributes:
        title: its name for people.
        suffix: of its files.
        writer_packages: those that write them.
        runtime_packages: those that run them.
        extra: which of faststyle's extras brings all of these.
        supports: which of ``half``, ``int8``, ``mixable`` and ``opset``.
        sizes: of pictures, the first of which is meant where none are asked for.
        is_read: whether ``stylize --ckpt`` takes its files.
        unavailable_reason: what is said where :meth:`load` gives none.
    """

    title: str
    suffix: str
    writer_packages: tuple[str, ...] = ()
    runtime_packages: tuple[str, ...] = ()
    extra: str = "export"
    supports: frozenset[str] = frozenset()
    sizes: tuple[str, ...] = (ANY, MULTIPLE4, FIXED)
    is_read: bool = True
    unavailable_reason: str = "not run here"

    @abstractmethod
    def write(
        self, module: ExportModule, path: Path, metadata: Mapping[str, str], options: ExportOptions
    ) -> None:
        """Write ``module`` and the metadata of its style; ``options`` say how."""

    @abstractmethod
    def load(self, path: Path) -> LoadedModel | None:
        """Load what :meth:`write` wrote by the runtime that it is for.

        None if that does not run on this machine: then what the file holds is checked.
        """

    def read(self, path: Path) -> LoadedModel | None:
        """Load a model of anybody's. Raises ``UserError``, or any ``Exception`` for damage."""
        return self.load(path)

    def files(self, path: Path) -> tuple[Path, ...]:
        """All that :meth:`write` writes, ``path`` among it."""
        return (path,)

    def check_options(self, options: ExportOptions, styles: int) -> ExportOptions:
        """The options that this backend exports by, of those that are asked for.

        ``styles``: how many styles whose weights are an input, or 0. Raises ``UserError`` for what
        this backend does not support, or if its packages are not installed.
        """
        wanted = {"half": options.half, "int8": options.int8, "mixable": bool(styles)}
        wanted["opset"] = bool(options.opset or options.ir_version)
        for name in wanted:
            if wanted[name] and name not in self.supports:
                kind = BACKENDS.name_of(self)
                raise UserError(f"--{name}: --format {kind} has no such form")
        if styles and options.int8:
            raise UserError("--int8 and --mixable exclude each other")
        if options.sizes is None:
            first = self.sizes[0]
            options = replace(options, sizes=DEFAULT_SIZE if first == FIXED else first)
        if (FIXED if options.size else options.sizes) not in self.sizes:
            kind, offered = BACKENDS.name_of(self), ", ".join(self.sizes)
            raise UserError(f"--sizes {options.sizes}: --format {kind} has {offered}")
        self.check_installed()
        return options

    def check_installed(self, to_write: bool = True) -> None:
        """Raise ``UserError`` if a package is missing that runs models, or writes them."""
        packages = (*self.runtime_packages, *(self.writer_packages if to_write else ()))
        if not all(map(_is_installed, packages)):
            hint = f'pip install "faststyle[{self.extra}]"'
            raise UserError(f"{self.title} needs more packages: {hint}")

    def make_module(self, network: nn.Module, options: ExportOptions) -> ExportModule:
        """What is traced: ``network`` of operations that the runtime computes fastest."""
        changed = fix_noise(network, options.size) if options.size else network
        return ExportModule(changed, options.pixels, options.half)


#: Backends by the names that ``--format`` calls them by.
BACKENDS = Registry[ExportBackend]("format")


def trace(module: ExportModule, options: ExportOptions) -> torch.export.ExportedProgram:
    """``module`` as a graph, for one picture of one size, or for any number of them."""
    if options.size:
        return torch.export.export(module, module.example(1, *options.size))
    # Imported late: it brings SymPy.
    from torch.fx.experimental import _config as symbolic_shapes

    dynamic: Any = torch.export.Dim.DYNAMIC
    height, width, example = dynamic, dynamic, (37, 50)
    if options.sizes == MULTIPLE4:
        least, module.takes_multiples = module.smallest_side, True
        height, width = (STRIDE * torch.export.Dim(name, min=least // STRIDE) for name in "hw")
        example = least + STRIDE, least + 3 * STRIDE
    of_photos = {0: dynamic, 2: height, 3: width}
    shapes = (of_photos, (None,)) if module.styles else (of_photos,)
    # Otherwise strides, which depend on sizes, would tie the graph to those of one kind.
    with symbolic_shapes.patch(backed_size_oblivious=True):  # type: ignore[attr-defined]
        return torch.export.export(module, module.example(2, *example), dynamic_shapes=shapes)


def _is_installed(package: str) -> bool:
    with suppress(ImportError, ValueError):
        return find_spec(package) is not None
    return False
