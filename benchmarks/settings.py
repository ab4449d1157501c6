"""What is measured, how, and against what: the flags of ``faststyle benchmark``."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from faststyle.core.assets import bundled_file
from faststyle.core.devices import cpu_has_bf16
from faststyle.core.errors import UserError
from faststyle.core.limits import InRange, Options

_STYLE = bundled_file("flow_field.png")
ASTRONAUT = Path(str(files("skimage") / "data" / "astronaut.png"))
#: Height and width.
Size = tuple[int, int]


def sides(text: str) -> Size:
    """``512`` or ``1080x1920`` (height x width)."""
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdigit() and int(part) >= 16 for part in parts):
        raise UserError(f'--size "{text}" must be like 512 or 1080x1920, of 16 pixels or more')
    return int(parts[0]), int(parts[-1])


@dataclass(frozen=True)
class Settings(Options):
    """The flags, as their help says."""

    against: Annotated[
        Sequence[str],
        "reference (the textbook way); infer: also onnxruntime, openvino, executorch, litert,"
        " ncnn, mnn, tract, opencv, iree, onnxslim, and -int8 of the first four but openvino",
        {"metavar": "WAY"},
    ] = ()
    rounds: Annotated[int, "that count, of each variant", InRange(1)] = 7
    precision: Annotated[
        Sequence[str], "default: all that pay", {"choices": ("32", "tf32", "bf16")}
    ] = ()
    device: Annotated[str, "cpu, cuda, cuda:1"] = "cpu"
    compile: Annotated[str | None, "torch.compile: default, max-autotune", {"metavar": "MODE"}] = (
        None
    )
    network: Annotated[str, "johnson, small: configs/network"] = "johnson"
    photos: Annotated[Path | None, "folder; default: drawn pictures"] = None
    json: Annotated[Path | None, "write every figure there"] = None
    plot: Annotated[Path | None, "train: losses; several sizes: costs (.png)"] = None
    size: Annotated[Sequence[Size], "pixels: 512 or 1080x1920 (HxW)", sides, {"nargs": "+"}] = (
        (256, 256),
    )
    batch_size: Annotated[Sequence[int], "train"] = (4,)
    encoder: Annotated[str, "train, optimize: the loss network"] = "vgg19"
    weights: Annotated[str, "train, optimize: imagenet, random, or a file"] = "random"
    style: Annotated[Path, "train, optimize: picture; default: the flow field"] = _STYLE
    ckpt: Annotated[str | None, "infer: a style's name or file; default: random weights"] = None
    photo: Annotated[Path, "infer, optimize; default: scikit-image's astronaut"] = ASTRONAUT

    @property
    def precisions(self) -> Sequence[str]:
        """Those that are asked for, or all that pay on the device."""
        if self.precision:
            return self.precision
        if self.device != "cpu":
            return "32", "tf32", "bf16"
        return ("32", "bf16") if cpu_has_bf16() else ("32",)
