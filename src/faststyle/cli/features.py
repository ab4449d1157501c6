"""``faststyle features photo.jpg --layers relu1_2,relu3_3``: what a loss network sees."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from faststyle.cli.arguments import add_device
from faststyle.core.errors import UserError


def add_arguments(parser: ArgumentParser) -> None:
    """Which photo, through which layers."""
    parser.add_argument("photo", type=Path)
    parser.add_argument("--layers", default="relu1_2,relu2_2,relu3_3,relu4_3", help="with commas")
    parser.add_argument("--reconstruct", action="store_true", help="recover the photo from each")
    parser.add_argument("--style", type=Path, help="painting whose Gram matrices to show")
    parser.add_argument("--encoder", default="vgg19", help="lite, or vgg11 to vgg19, each also _bn")
    parser.add_argument(
        "--weights", help="imagenet (of a vgg), bundled (with lite), random, or a file"
    )
    parser.add_argument("--size", type=int, default=224, help="short side in pixels")
    parser.add_argument("--maps", type=int, default=64, help="feature maps to show of each layer")
    parser.add_argument("--iterations", type=int, default=200, help="of --reconstruct")
    add_device(parser)
    parser.add_argument("--output", type=Path, default=Path("features.png"))
    parser.add_argument("--logdir", type=Path, help="show the same in TensorBoard")


def run(args: Namespace) -> None:
    """Write the sheet."""
    # Imported late: --help should not wait for torch.
    from faststyle.optimization.views import show

    for name in ("size", "maps", "iterations"):
        if getattr(args, name) < 1:
            raise UserError(f"--{name} is {getattr(args, name)}; it must be at least 1")
    show(args)
    print(args.output)
