"""``torch.export``: its files run by ``torch.export.load(path).module()``."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from faststyle.export.backend import BACKENDS, ExportBackend, LoadedModel, trace
from faststyle.export.export_module import ExportModule, ExportOptions

#: The file inside that holds the metadata, as JSON.
_METADATA = "facts.json"


@BACKENDS.register("torch")
class Torch(ExportBackend):
    """PyTorch without faststyle. Others' files may hold code, so none is read."""

    title = "torch.export"
    suffix = ".pt2"
    supports = frozenset({"half", "mixable"})
    is_read = False

    def write(
        self, module: ExportModule, path: Path, metadata: Mapping[str, str], options: ExportOptions
    ) -> None:
        """Save what torch has traced."""
        traced, texts = trace(module, options), json.dumps(dict(metadata))
        for node in traced.graph.nodes:  # names of this machine's files
            node.meta.pop("stack_trace", None)
        with path.open("wb") as file:  # by its name, torch would ask for the suffix .pt2
            torch.export.save(traced, file, extra_files={_METADATA: texts})

    def load(self, path: Path) -> LoadedModel:
        """Load it by torch."""
        files = {_METADATA: ""}
        with path.open("rb") as file:
            traced = torch.export.load(file, extra_files=files)
        run: Callable[..., Tensor] = traced.module()
        dtype = traced.example_inputs[0][0].dtype
        return LoadedModel(run, dtype, json.loads(files[_METADATA]))
