"""Trained styles as models for other runtimes, each by a backend of its own."""

from pathlib import Path

# Each registers itself. None imports its runtime before that is needed.
from faststyle.export import (  # noqa: F401
    coreml,
    executorch,
    litert,
    mnn,
    ncnn,
    onnx,
    openvino,
    torch,
)
from faststyle.export.backend import BACKENDS, ExportBackend, LoadedModel
from faststyle.export.export_module import ExportModule, ExportOptions

__all__ = ["BACKENDS", "ExportBackend", "ExportModule", "ExportOptions", "LoadedModel"]


def backend_of(path: Path) -> ExportBackend | None:
    """The backend that reads a file, by its suffix; none if it is no exported model."""
    for name in BACKENDS:
        if BACKENDS[name].is_read and BACKENDS[name].suffix == path.suffix:
            return BACKENDS.build(name)
    return None


def is_exported_model(path: Path) -> bool:
    """Whether a file is a model that another runtime computes, by its suffix."""
    return backend_of(path) is not None
