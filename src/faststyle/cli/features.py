"""``faststyle features photo.jpg --layers relu1_2,relu3_3``: what a loss network sees."""

from argparse import Namespace
from pathlib import Path
from typing import Annotated

from faststyle.cli.arguments import Device
from faststyle.core.limits import InRange


def features(
    photo: Path,
    *,
    layers: Annotated[str, "with commas"] = "relu1_2,relu2_2,relu3_3,relu4_3",
    reconstruct: Annotated[bool, "recover the photo from each"] = False,
    style: Annotated[Path | None, "painting whose Gram matrices to show"] = None,
    encoder: Annotated[str, "lite, or vgg11 to vgg19, each also _bn"] = "vgg19",
    weights: Annotated[
        str | None, "imagenet (of a vgg), bundled (with lite), random, or a file"
    ] = None,
    size: Annotated[int, "short side in pixels", InRange(1)] = 224,
    maps: Annotated[int, "feature maps to show of each layer", InRange(1)] = 64,
    iterations: Annotated[int, "of --reconstruct", InRange(1)] = 200,
    device: Device = "auto",
    output: Path = Path("features.png"),
    logdir: Annotated[Path | None, "show the same in TensorBoard"] = None,
) -> None:
    """Write the sheet."""
    args = Namespace(**locals())
    # Imported late: --help should not wait for torch.
    from faststyle.optimization.views import show

    show(args)
    print(output)
