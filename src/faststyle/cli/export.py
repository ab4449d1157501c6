"""``faststyle export --ckpt starry_night --format onnx``: styles for other runtimes."""

import re
from argparse import ArgumentParser, Namespace
from pathlib import Path

from faststyle.cli.arguments import add_style
from faststyle.core.errors import UserError


def add_arguments(parser: ArgumentParser) -> None:
    """Which style, and for which runtime."""
    add_style(parser)
    parser.add_argument(
        "--format", default="onnx", help="onnx, torch, openvino, executorch, litert, coreml"
    )
    parser.add_argument("--output", type=Path, help="default: NAME.onnx or the like")
    parser.add_argument(
        "--pixels", default="bytes", choices=("bytes", "float"), help="0 to 255, or 0 to 1"
    )
    parser.add_argument(
        "--fixed-size", metavar="HxW", help="for pictures of one size, in multiples of 4"
    )
    parser.add_argument("--half", action="store_true", help="float16; half the size")
    parser.add_argument("--int8", action="store_true", help="8 bits; a quarter of the size")
    parser.add_argument(
        "--photos", type=Path, help="int8: a folder to calibrate with; default: drawn pictures"
    )
    parser.add_argument(
        "--mixable",
        action="store_true",
        help="a file of several styles: the weight of each is a second input",
    )
    parser.add_argument("--opset", type=int, help="ONNX: an older version of its operators")
    parser.add_argument("--ir-version", type=int, help="ONNX: an older version of its files")


def run(args: Namespace) -> None:
    """Write the model, and say how far it is from the network."""
    # Imported late: --help should not wait for torch.
    from faststyle.core.atomic import check_target
    from faststyle.data.calibration import calibration_photos
    from faststyle.export import BACKENDS, ExportOptions
    from faststyle.export.exporting import export
    from faststyle.styles import find_style, load_style, open_style
    from faststyle.styles.catalog import label

    if args.photos and not args.int8:
        raise UserError("--photos is for --int8")
    backend, size = BACKENDS.build(args.format), _size(args.fixed_size)
    output = args.output or Path(label(args.ckpt).replace(":", "_") + backend.suffix)
    if output.suffix != backend.suffix:
        raise UserError(f"--output {output}: --format {args.format} writes {backend.suffix}")
    found = find_style(args.ckpt)
    for path in backend.files(output):
        check_target(path, [found.path])
    style = load_style(found.path) if args.mixable else open_style(args.ckpt)
    if args.mixable and not style.metadata.styles:
        raise UserError(f"--mixable: {args.ckpt} is a file of one style")
    options = ExportOptions(
        pixels=args.pixels,
        half=args.half,
        int8=args.int8,
        size=size,
        opset=args.opset,
        ir_version=args.ir_version,
        calibration=calibration_photos(args.photos) if args.int8 else (),
    )
    options = backend.settle(options, len(style.metadata.styles))
    difference = export(style, output, args.format, options)
    megabytes = sum(path.stat().st_size for path in _files(backend.files(output))) / 1e6
    told = backend.unavailable_reason if difference is None else str(difference)
    print(f"{output}: {megabytes:.1f} MB, {told}")
    if options.size:
        print(f"It takes one picture at a time, of {options.size[1]} x {options.size[0]} pixels.")


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not found:
        raise UserError(f'--fixed-size "{text}" must be like 512x768: height x width')
    return int(found[1]), int(found[2])


def _files(written: tuple[Path, ...]) -> list[Path]:
    """Those in folders, too, as which some formats are written."""
    inside = [each for path in written if path.is_dir() for each in path.rglob("*")]
    return [path for path in (*written, *inside) if path.is_file()]
