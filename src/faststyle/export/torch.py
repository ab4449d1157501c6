"""``torch.export``'s programs: they run by ``torch.export.load(path).module()``."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from faststyle.export.backend import ExportBackend, LoadedModel, trace
from faststyle.export.export_module import ExportModule, ExportOptions

_FACTS = "facts.json"


class Torch(ExportBackend):
    """PyTorch without faststyle. Others' files may hold code, so none is read."""

    name = "torch"
    title = "torch.export"
    suffix = ".pt2"
    supports = frozenset({"half", "mixable", "any_size"})
    is_read = False

    def write(
        self, program: ExportModule, path: Path, facts: Mapping[str, str], options: ExportOptions
    ) -> None:
        """See :class:`ExportBackend`."""
        traced = trace(program, options.size)
        with path.open("wb") as file:  # by its name, torch would ask for the suffix .pt2
            torch.export.save(traced, file, extra_files={_FACTS: json.dumps(dict(facts))})

    def load(self, path: Path) -> LoadedModel:
        """See :class:`ExportBackend`."""
        facts = {_FACTS: ""}
        with path.open("rb") as file:
            traced = torch.export.load(file, extra_files=facts)
        run: Callable[..., Tensor] = traced.module()
        dtype = traced.example_inputs[0][0].dtype
        return LoadedModel(run, dtype, json.loads(facts[_FACTS]))
