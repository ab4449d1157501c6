"""Trained styles as models of other runtimes: a backend for each, and one table of them."""

from faststyle.export.backend import ExportBackend, LoadedModel
from faststyle.export.backends import BACKENDS, find_backend, is_exported_model
from faststyle.export.export_module import ExportModule, ExportOptions
from faststyle.export.exported_network import ExportedNetwork

__all__ = [
    "BACKENDS",
    "ExportBackend",
    "ExportModule",
    "ExportOptions",
    "ExportedNetwork",
    "LoadedModel",
    "find_backend",
    "is_exported_model",
]
