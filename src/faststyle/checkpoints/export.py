"""A trained style as a program for other runtimes: ONNX, or PyTorch without faststyle.

Either takes photos (N, 3, H, W) of any N, H and W, as bytes or as floats in [0, 1], and gives the
stylized or enlarged ones in the same form; nothing is left to normalize outside. A network of S
styles takes the weight of each, float32 (S,), as well.
"""

import copy
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from faststyle.checkpoints import TrainedStyle
from faststyle.checkpoints.onnx_file import PIXELS_KEY
from faststyle.core.atomic import atomic_write
from faststyle.core.errors import UserError, nearest
from faststyle.networks.conditional import count_styles

FORMATS = ("onnx", "torch")
PIXELS = ("bytes", "float")
#: Sizes (N, H, W) at which a program is compared with the network that it was made from.
_CHECKED = ((1, 64, 64), (2, 37, 50), (1, 101, 203))


class Program(nn.Module):
    """Pixels in, stylized pixels out.

    Args:
        network: the transform network.
        pixels: ``bytes`` (uint8) or ``float`` (float32 in [0, 1]), in and out.
        half: compute in float16, with weights of half the size.

    Attributes:
        styles: how many styles the network has, if it is to be told the mixture of them; else 0.
    """

    def __init__(self, network: nn.Module, pixels: str = "bytes", half: bool = False) -> None:
        super().__init__()
        if pixels not in PIXELS:
            raise UserError(f'unknown pixels "{pixels}": {nearest(pixels, PIXELS)}')
        self.dtype = torch.float16 if half else torch.float32
        self.network = copy.deepcopy(network).to(self.dtype).requires_grad_(False).eval()
        self.bytes = pixels == "bytes"
        self.styles = count_styles(network)

    def forward(self, photos: Tensor, *mixture: Tensor) -> Tensor:
        """Stylize (N, 3, H, W), or enlarge it; the same type out.

        ``mixture``: for a network of S styles, their weights (S,); only their proportions count.
        """
        unit = photos.to(torch.float32) / 255 if self.bytes else photos
        shares = [(weights / weights.sum()).to(self.dtype) for weights in mixture]
        stylized: Tensor = self.network(unit.to(self.dtype), *shares).float().clamp(0, 1)
        return (stylized * 255).round().to(torch.uint8) if self.bytes else stylized

    def example(self, count: int, height: int, width: int) -> tuple[Tensor, ...]:
        """Photos of noise, and a mixture, in the form that this program takes."""
        generator = torch.Generator().manual_seed(0)
        photos = torch.rand(count, 3, height, width, generator=generator)
        mixture = torch.rand(self.styles, generator=generator)
        if self.bytes:
            photos = (photos * 255).round().to(torch.uint8)
        return (photos, mixture) if self.styles else (photos,)


def export(
    style: TrainedStyle, path: Path, form: str = "onnx", pixels: str = "bytes", half: bool = False
) -> float:
    """Write ``style`` as a program, and compare what it computes with the network in float32.

    Args:
        style: a trained style; what is known of it goes along as metadata.
        path: where to; replaced atomically.
        form: ``onnx`` (for ONNX Runtime and others) or ``torch`` (for ``torch.export.load``).
        pixels: see :class:`Program`.
        half: see :class:`Program`.

    Returns:
        The largest difference of a pixel at several sizes, in gray levels of 255.

    Raises:
        UserError: an unknown format or kind of pixels; what ONNX needs is not installed.
    """
    if form not in FORMATS:
        raise UserError(f'unknown format "{form}": {nearest(form, FORMATS)}')
    if form == "onnx":
        _check_onnx()
    program, exact = Program(style.network, pixels, half), Program(style.network, pixels)
    dynamic = torch.export.Dim.DYNAMIC
    of_photos = {0: dynamic, 2: dynamic, 3: dynamic}
    shapes = (of_photos, (None,)) if program.styles else (of_photos,)
    example = program.example(2, 37, 50)
    exported = torch.export.export(program, example, dynamic_shapes=shapes)
    write, load = (_write_onnx, _load_onnx) if form == "onnx" else (_write_torch, _load_torch)
    with atomic_write(path) as temporary:
        write(exported, temporary, {**style.metadata.write(), PIXELS_KEY: pixels})
        run = load(temporary)
        return max(_difference(exact, run, *size) for size in _CHECKED)


def _check_onnx() -> None:
    """Now, and not after the network has been traced."""
    try:
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401  (torch.onnx needs it)
    except ImportError:
        raise UserError('ONNX needs more packages: pip install "faststyle[export]"') from None


def _difference(
    exact: Program, run: Callable[..., Tensor], count: int, height: int, width: int
) -> float:
    given = exact.example(count, height, width)
    largest: Tensor = (exact(*given).float() - run(*given).float()).abs().max()
    return largest.item() * (1 if exact.bytes else 255)


def _write_onnx(
    exported: torch.export.ExportedProgram, path: Path, facts: Mapping[str, str]
) -> None:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    made = torch.onnx.export(
        exported,
        input_names=["photos", "mixture"][: len(exported.graph_signature.user_inputs)],
        output_names=["stylised"],
        dynamo=True,
        verbose=False,
    )
    assert made is not None
    made.model.metadata_props.update(facts)
    made.save(str(path))


def _load_onnx(path: Path) -> Callable[..., Tensor]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])

    def run(*given: Tensor) -> Tensor:
        names = [each.name for each in session.get_inputs()]
        values = [value.numpy() for value in given]
        return torch.from_numpy(session.run(None, dict(zip(names, values, strict=True)))[0])

    return run


def _write_torch(
    exported: torch.export.ExportedProgram, path: Path, facts: Mapping[str, str]
) -> None:
    with path.open("wb") as file:  # by its name, torch would ask for the suffix .pt2
        torch.export.save(exported, file, extra_files={"facts.json": json.dumps(dict(facts))})


def _load_torch(path: Path) -> Callable[..., Tensor]:
    with path.open("rb") as file:
        module: Callable[..., Tensor] = torch.export.load(file).module()
    return module
