"""A camera's pictures in a style, live: python scripts/webcam.py --ckpt starry_night_small."""

import argparse
import os

from faststyle.core.errors import UserError, report_errors


def _source(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Show a camera's pictures in a style, live.")
    parser.add_argument("--ckpt", nargs="+", help="styles; default: all that have names")
    parser.add_argument(
        "--source", type=_source, default=0, help="number of a camera, clip, or address"
    )
    parser.add_argument("--size", type=int, default=360, help="short side while stylizing")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--precision", default="auto", choices=("auto", "32", "bf16", "16"))
    return parser.parse_args()


def main() -> None:
    args = parse()
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # what goes wrong is said below
    try:
        from faststyle.apps import webcam
    except ImportError as error:
        install = 'pip install "faststyle[webcam]"'
        raise UserError(f"the window needs OpenCV ({error}): {install}") from None
    from faststyle.checkpoints.loading import resolve_styles
    from faststyle.core.devices import reuse_freed_memory
    from faststyle.inference.options import StylizeOptions

    options = StylizeOptions.from_arguments(args)
    names = resolve_styles(args.ckpt)
    reuse_freed_memory()
    print(webcam.KEYS)
    print(", ".join(f"{number}: {name}" for number, name in enumerate(names, start=1)))
    loading = {"device": args.device, "precision": args.precision}
    shown = webcam.show_live(webcam.Live(names, options, loading=loading), args.source)
    print(f"{shown} frames shown")


if __name__ == "__main__":
    with report_errors():
        main()
