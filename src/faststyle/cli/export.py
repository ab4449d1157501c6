"""``faststyle export --ckpt starry_night --format onnx``: styles for other runtimes."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from faststyle.cli.arguments import add_style
from faststyle.core.errors import UserError


def add_arguments(parser: ArgumentParser) -> None:
    """Which style, and which form of it."""
    add_style(parser)
    parser.add_argument("--format", default="onnx", choices=("onnx", "torch"))
    parser.add_argument("--output", type=Path, help="default: NAME.onnx or NAME.pt2")
    parser.add_argument(
        "--pixels", default="bytes", choices=("bytes", "float"), help="0 to 255, or 0 to 1"
    )
    parser.add_argument("--half", action="store_true", help="compute in float16; half the size")
    parser.add_argument(
        "--mixable",
        action="store_true",
        help="a file of several styles: the weight of each is a second input",
    )


def run(args: Namespace) -> None:
    """Write the program, and say how far it is from the network."""
    # Imported late: --help should not wait for torch.
    from faststyle.checkpoints import find_style, load_style, open_style
    from faststyle.checkpoints.catalog import label
    from faststyle.checkpoints.export import export
    from faststyle.core.atomic import check_target

    suffix = ".onnx" if args.format == "onnx" else ".pt2"
    output = args.output or Path(label(args.ckpt).replace(":", "_") + suffix)
    if output.suffix != suffix:
        raise UserError(f"--output {output}: --format {args.format} writes {suffix}")
    found = find_style(args.ckpt)
    check_target(output, [found.path])
    style = load_style(found.path) if args.mixable else open_style(args.ckpt)
    if args.mixable and not style.metadata.styles:
        raise UserError(f"--mixable: {args.ckpt} is a file of one style")
    difference = export(style, output, args.format, args.pixels, args.half)
    size = output.stat().st_size / 1e6
    print(f"{output}: {size:.1f} MB, at most {difference:.2f} of 255 from the network")
