"""Trained styles as models for other runtimes, each by a backend of its own."""

from faststyle.export.backend import BACKENDS, ExportBackend, LoadedModel
from faststyle.export.backends import backend_of, is_exported_model
from faststyle.export.export_module import ExportModule, ExportOptions
from faststyle.export.exported_network import ExportedNetwork

__all__ = [
    "BACKENDS",
    "ExportBackend",
    "ExportModule",
    "ExportOptions",
    "ExportedNetwork",
    "LoadedModel",
    "backend_of",
    "is_exported_model",
]
