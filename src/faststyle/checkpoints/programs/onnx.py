"""ONNX: for ONNX Runtime, and what else reads it (OpenCV, browsers)."""

import logging
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from faststyle.checkpoints.programs.format import Format, Loaded, trace
from faststyle.checkpoints.programs.onnx_reading import TYPES, open_program
from faststyle.checkpoints.programs.program import ExportOptions, Program


class Onnx(Format):
    """ONNX, by torch's own exporter."""

    name = "onnx"
    title = "ONNX"
    suffix = ".onnx"
    needs = ("onnxscript",)
    runs_by = ("onnx", "onnxruntime")
    offers = frozenset({"half", "mixable", "any_size"})

    def write(
        self, program: Program, path: Path, facts: Mapping[str, str], options: ExportOptions
    ) -> None:
        """See :class:`Format`."""
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        traced = trace(program, options.size)
        made = torch.onnx.export(
            traced,
            input_names=["photos", "mixture"][: len(traced.graph_signature.user_inputs)],
            output_names=["stylised"],
            dynamo=True,
            verbose=False,
        )
        assert made is not None
        made.model.metadata_props.update(facts)
        made.save(str(path))

    def load(self, path: Path) -> Loaded:
        """See :class:`Format`."""
        import onnxruntime

        session = onnxruntime.InferenceSession(
            path.read_bytes(), providers=["CPUExecutionProvider"]
        )
        inputs = session.get_inputs()

        def run(*given: Tensor) -> Tensor:
            named = {each.name: value.numpy() for each, value in zip(inputs, given, strict=True)}
            return torch.from_numpy(session.run(None, named)[0])

        facts = session.get_modelmeta().custom_metadata_map
        return Loaded(run, TYPES[inputs[0].type], facts)

    def read(self, path: Path) -> Loaded:
        """See :class:`Format`, and :mod:`faststyle.checkpoints.programs.onnx_reading`."""
        return open_program(path)
