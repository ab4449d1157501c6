"""Core ML's packages: for Apple's systems."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from faststyle.core.errors import UserError
from faststyle.export.backend import BACKENDS, FIXED, ExportBackend, LoadedModel
from faststyle.export.export_module import (
    FLOAT_BYTES,
    MIN_SIDE,
    MULTIPLE4,
    ExportModule,
    ExportOptions,
)
from faststyle.networks import STRIDE
from faststyle.networks.portable import convolve_enlargement, fix_noise

#: Height and width of the largest pictures of a model for many sizes.
LARGEST = 1024
#: All operations that the model of a style should be made of, each fast on every processor.
EXPECTED = frozenset(
    {
        *("const", "cast", "conv", "pad", "instance_norm", "batch_norm", "relu", "add", "mul"),
        *("upsample_nearest_neighbor", "conv_transpose", "sigmoid", "clip", "identity"),
        "pixel_shuffle",  # of enlargers
        # Noise is a table of the largest size, cut to the picture's.
        *("shape", "gather", "concat", "slice_by_index"),
    }
)


@BACKENDS.register("coreml")
class CoreMl(ExportBackend):
    """Core ML for pictures of sizes up to 1024 in multiples of 4, or for one size.

    With ``bytes``, it takes and gives RGB images. Only Apple's systems run it.
    """

    title = "Core ML"
    suffix = ".mlpackage"
    writer_packages = ("coremltools",)
    extra = "coreml"
    supports = frozenset({"half"})
    sizes = (MULTIPLE4, FIXED)
    is_read = False
    unavailable_reason = (
        "not run: only Apple's systems run Core ML. Its structure and operations were checked"
    )

    def make_module(self, network: nn.Module, options: ExportOptions) -> ExportModule:
        """In float32: Core ML itself computes in float16 if it is told to."""
        changed = fix_noise(network, options.size or (LARGEST, LARGEST))
        pixels = FLOAT_BYTES if options.pixels == "bytes" else "float"
        return ExportModule(convolve_enlargement(changed), pixels)

    def write(
        self, module: ExportModule, path: Path, metadata: Mapping[str, str], options: ExportOptions
    ) -> None:
        """Convert what torch has traced, for iOS 16 and later."""
        import coremltools as ct

        is_image = options.pixels == "bytes"
        traced = _trace(module, options.size)
        least = max(MIN_SIDE, module.smallest_side)
        sides = options.size or (ct.RangeDim(least, LARGEST, 512),) * 2
        given = {"name": "photos", "shape": ct.Shape((1, 3, *sides))}
        image = {"color_layout": ct.colorlayout.RGB}
        model = ct.convert(
            traced,
            inputs=[ct.ImageType(**given, **image) if is_image else ct.TensorType(**given)],
            outputs=[ct.ImageType("stylised", **image) if is_image else ct.TensorType("stylised")],
            minimum_deployment_target=ct.target.iOS16,
            compute_precision=ct.precision.FLOAT16 if options.half else ct.precision.FLOAT32,
            skip_model_load=True,
        )
        model.user_defined_metadata.update(metadata)
        model.short_description = metadata.get("title", "")
        model.save(str(path))

    def load(self, path: Path) -> LoadedModel | None:
        """None. Raises ``UserError`` if the package holds other than what styles are made of."""
        import coremltools as ct

        found = operations(ct.utils.load_spec(str(path)))
        strange = sorted(set(found) - EXPECTED)
        if strange:
            raise UserError(f"Core ML has no fast form of this network: {', '.join(strange)}")
        return None


def operations(spec: object) -> Counter[str]:
    """How many of each operation a package has."""
    return Counter(
        operation.type
        for function in spec.mlProgram.functions.values()  # type: ignore[attr-defined]
        for block in function.block_specializations.values()
        for operation in block.operations
    )


def _trace(module: ExportModule, size: tuple[int, int] | None) -> torch.export.ExportedProgram:
    shapes, (height, width) = None, size or (64, 96)
    if size is None:
        module.takes_multiples = True
        limits = {"min": module.smallest_side // STRIDE, "max": LARGEST // STRIDE}
        sides = (torch.export.Dim(name, **limits) for name in "hw")
        shapes = ({2 + i: STRIDE * side for i, side in enumerate(sides)},)
    traced = torch.export.export(module, module.example(1, height, width), dynamic_shapes=shapes)
    decomposed: torch.export.ExportedProgram = traced.run_decompositions({})
    return decomposed
