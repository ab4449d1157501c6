"""ExecuTorch, whose layers XNNPACK computes: for phones, and CPUs of all kinds."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.export.backend import BACKENDS, FIXED, ExportBackend, LoadedModel, trace
from faststyle.export.export_module import ExportModule, ExportOptions
from faststyle.networks.portable import portable

#: The method that gives the metadata, as JSON: there is no other place for it in a file.
_METADATA = "faststyle"
#: What its files begin with, behind a number.
_IDENTIFIER = re.compile(rb"(?s:.{4})ET\d\d")
#: ExecuTorch's number of a type.
_TYPES = {0: torch.uint8, 6: torch.float32}
_CONVOLUTIONS = (torch.ops.aten.conv2d.default, torch.ops.aten.conv_transpose2d.input)


@BACKENDS.register("executorch")
class ExecuTorch(ExportBackend):
    """ExecuTorch with XNNPACK, for pictures of one size: XNNPACK's slices know no other."""

    title = "ExecuTorch"
    suffix = ".pte"
    writer_packages = ("torchao",)
    runtime_packages = ("executorch",)
    extra = "executorch"
    sizes = (FIXED,)
    supports = frozenset({"int8"})

    def make_module(self, network: nn.Module, options: ExportOptions) -> ExportModule:
        """Of operations that XNNPACK has."""
        assert options.size
        return ExportModule(portable(network, options.size, transposed=True), options.pixels)

    def write(
        self, module: ExportModule, path: Path, metadata: Mapping[str, str], options: ExportOptions
    ) -> None:
        """Lower what torch has traced to XNNPACK."""
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower

        traced = trace(module, options)
        if options.int8:
            traced = _quantized(traced, module, options)
        lowered = to_edge_transform_and_lower(
            traced,
            partitioner=[XnnpackPartitioner()],
            constant_methods={_METADATA: json.dumps(dict(metadata))},
        )
        path.write_bytes(lowered.to_executorch().buffer)

    def load(self, path: Path) -> LoadedModel:
        """Load it by ExecuTorch's own runtime."""
        from executorch.runtime import Runtime, Verification

        content = path.read_bytes()
        if not _IDENTIFIER.match(content):  # of others it aborts the process, saying what they have
            raise ValueError(f"{path} is no model of ExecuTorch")
        loaded = Runtime.get().load_program(content, verification=Verification.InternalConsistency)
        method = loaded.load_method("forward")
        if method is None:
            raise UserError(f"{path} has no method that makes pictures: it is not a style")
        given = method.metadata.input_tensor_meta(0)
        _, _, height, width = given.sizes()

        def run(photos: Tensor, _alive: object = (content, loaded)) -> Tensor:
            # A method points into its program, and that into the file, and neither holds the other.
            [stylized] = method.execute([photos])
            result: Tensor = stylized.clone()  # the next run would write over it
            return result

        is_ours = _METADATA in loaded.method_names
        texts = loaded.load_method(_METADATA).execute([]) if is_ours else ["{}"]
        size, inputs = (height, width), method.metadata.num_inputs()
        return LoadedModel(run, _TYPES[given.dtype()], json.loads(texts[0]), size, inputs=inputs)


def _quantized(
    traced: torch.export.ExportedProgram, module: ExportModule, options: ExportOptions
) -> torch.export.ExportedProgram:
    """All convolutions but the first and the last take 8 bits, and have weights of 8 bits."""
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    graph = traced.module()
    nodes = [node for node in graph.graph.nodes if node.target in _CONVOLUTIONS]
    ends = {nodes[0].name, nodes[-1].name}
    quantizer = XNNPACKQuantizer()
    quantizer.set_filter_function(lambda node: node.name not in ends)
    for kind in _CONVOLUTIONS:
        config = get_symmetric_quantization_config(is_per_channel=True)
        quantizer.set_operator_type(kind, config)
    prepared = prepare_pt2e(graph, quantizer)
    for photo in options.fitted():
        prepared(module.encode(photo))
    return torch.export.export(convert_pt2e(prepared), traced.example_inputs[0])
