"""Arguments that several commands share."""

from argparse import ArgumentParser


def add_style(parser: ArgumentParser, required: bool = True) -> None:
    """``--ckpt``: one style."""
    parser.add_argument(
        "--ckpt",
        required=required,
        help="a style's name or file (.safetensors, .ckpt, .pth, .onnx);"
        " of several in one file gallery:starry_night=0.6,the_scream=0.4",
    )


def add_styles(parser: ArgumentParser) -> None:
    """``--ckpt``: any number of styles."""
    parser.add_argument("--ckpt", nargs="+", help="styles; default: all that have names")


def add_device(parser: ArgumentParser) -> None:
    """``--device``: what to compute on."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")


def add_precision(parser: ArgumentParser) -> None:
    """``--precision``: how exactly to compute."""
    parser.add_argument(
        "--precision",
        default="auto",
        choices=("auto", "32", "bf16", "16"),
        help="bits; auto: bf16 where that is fast",
    )
