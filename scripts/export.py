"""Export a style to other runtimes: python scripts/export.py --ckpt starry_night --format onnx."""

import argparse
from pathlib import Path

from faststyle.core.errors import report_errors


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Export a trained style to other runtimes.")
    parser.add_argument("--ckpt", required=True, help="a style's name or file")
    parser.add_argument("--format", default="onnx", choices=("onnx", "torch"))
    parser.add_argument("--output", type=Path, help="default: NAME.onnx or NAME.pt2")
    parser.add_argument(
        "--pixels", default="bytes", choices=("bytes", "float"), help="0 to 255, or 0 to 1"
    )
    parser.add_argument("--half", action="store_true", help="compute in float16; half the size")
    return parser.parse_args()


def main() -> None:
    args = parse()
    # Imported late: --help should not wait for torch.
    from faststyle.checkpoints import find_style, load_style
    from faststyle.checkpoints.export import export

    checkpoint = find_style(args.ckpt)
    suffix = ".onnx" if args.format == "onnx" else ".pt2"
    output = args.output or Path(checkpoint.stem).with_suffix(suffix)
    style = load_style(checkpoint)
    difference = export(style, output, args.format, args.pixels, args.half)
    size = output.stat().st_size / 1e6
    print(f"{output}: {size:.1f} MB, at most {difference:.2f} of 255 from the network")


if __name__ == "__main__":
    with report_errors():
        main()
