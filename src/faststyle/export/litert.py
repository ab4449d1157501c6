"""LiteRT (once TensorFlow Lite): for phones, their graphics chips and browsers."""

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from faststyle.export.backend import BACKENDS, FIXED, ExportBackend, LoadedModel
from faststyle.export.export_module import ExportModule, ExportOptions
from faststyle.networks.portable import portable

#: What our metadata, as JSON, is called among a file's.
_METADATA = "faststyle"
#: How litert-torch calls what a model does, and what it takes.
_SIGNATURE, _INPUT = "serving_default", "args_0"


@BACKENDS.register("litert")
class LiteRt(ExportBackend):
    """LiteRT, for pictures of one size. Pixels lie as in pictures: (1, H, W, 3)."""

    title = "LiteRT"
    suffix = ".tflite"
    writer_packages = ("litert_torch", "ai_edge_quantizer")
    runtime_packages = ("ai_edge_litert",)
    extra = "litert"
    sizes = (FIXED,)
    supports = frozenset({"half", "int8"})

    def make_module(self, network: nn.Module, options: ExportOptions) -> ExportModule:
        """Of operations that LiteRT has; ``half`` is of weights, which it may compute in."""
        assert options.size
        return ExportModule(portable(network, options.size, transposed=False), options.pixels)

    def write(
        self, module: ExportModule, path: Path, metadata: Mapping[str, str], options: ExportOptions
    ) -> None:
        """Convert by litert-torch, quantize if asked to, and add the metadata."""
        import litert_torch

        logging.getLogger("jax").setLevel(logging.ERROR)
        assert options.size
        [photos] = module.example(1, *options.size)
        # Without layout changes inside, since LiteRT computes in this layout.
        outside = litert_torch.to_channel_last_io(module, args=[0], outputs=[0])
        model = litert_torch.convert(outside.eval(), (photos.permute(0, 2, 3, 1).contiguous(),))
        model.export(str(path))
        if options.half or options.int8:
            _quantize(path, module, options)
        path.write_bytes(_with_metadata(path.read_bytes(), metadata))

    def load(self, path: Path) -> LoadedModel:
        """Load it by LiteRT's interpreter."""
        from ai_edge_litert.interpreter import Interpreter

        content = path.read_bytes()
        interpreter = Interpreter(model_content=content, num_threads=torch.get_num_threads())
        interpreter.allocate_tensors()
        [given], [made] = interpreter.get_input_details(), interpreter.get_output_details()
        _, height, width, _ = given["shape"]

        def run(photos: Tensor) -> Tensor:
            interpreter.set_tensor(given["index"], photos.permute(0, 2, 3, 1).numpy())
            interpreter.invoke()
            return torch.from_numpy(interpreter.get_tensor(made["index"])).permute(0, 3, 1, 2)

        dtype = torch.uint8 if given["dtype"].__name__ == "uint8" else torch.float32
        return LoadedModel(run, dtype, _read_metadata(content), (int(height), int(width)))


def _quantize(path: Path, module: ExportModule, options: ExportOptions) -> None:
    """Weights in float16; or convolutions but for the first and the last in 8 bits."""
    from ai_edge_quantizer import algorithm_manager, qtyping, quantizer

    algorithm, conv = algorithm_manager.AlgorithmName, qtyping.TFLOperationName.CONV_2D
    made = quantizer.Quantizer(str(path))
    if options.half:
        half = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
        config = qtyping.OpQuantizationConfig(weight_tensor_config=half)
        made.update_quantization_recipe(".*", conv, config, algorithm.FLOAT_CASTING)
        learned = None
    else:
        made.add_static_config(".*", conv, activation_num_bits=8, weight_num_bits=8)
        for name in _first_and_last(path):
            made.update_quantization_recipe(
                re.escape(name), conv, algorithm_key=algorithm.NO_QUANTIZE
            )
        photos = [module.encode(photo).permute(0, 2, 3, 1) for photo in options.fitted()]
        given = [{_INPUT: photo.contiguous().numpy()} for photo in photos]
        learned = made.calibrate({_SIGNATURE: given}, num_threads=torch.get_num_threads())
    path.write_bytes(made.quantize(learned).quantized_model)


def _first_and_last(path: Path) -> tuple[str, str]:
    """What the first and the last convolution are known by: the names of what they give."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(path.read_bytes())
    [graph] = model.subgraphs
    codes = [code.builtinCode for code in model.operatorCodes]
    names = [
        graph.tensors[operator.outputs[0]].name.decode()
        for operator in graph.operators
        if codes[operator.opcodeIndex] == schema.BuiltinOperator.CONV_2D
    ]
    return names[0], names[-1]


def _with_metadata(content: bytes, metadata: Mapping[str, str]) -> bytes:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content)
    for kept in model.buffers:
        if kept.offset > 1:  # behind the rest of the file, as the quantizer keeps large ones
            kept.data = np.frombuffer(content, np.uint8, kept.size, kept.offset)
            kept.offset = kept.size = 0
    buffer = schema.BufferT()
    buffer.data = list(json.dumps(dict(metadata)).encode())
    entry = schema.MetadataT()
    entry.name, entry.buffer = _METADATA, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(len(content) + 4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _read_metadata(content: bytes) -> dict[str, str]:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content)
    entries = map(model.Metadata, range(model.MetadataLength()))
    ours = [each.Buffer() for each in entries if each.Name() == _METADATA.encode()]
    text = model.Buffers(ours[0]).DataAsNumpy().tobytes() if ours else b"{}"
    metadata: dict[str, str] = json.loads(text)
    return metadata
