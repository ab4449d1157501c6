"""``faststyle webcam --ckpt starry_night_small``: a camera's pictures in a style, live."""

import os
from argparse import ArgumentParser, Namespace

from faststyle.cli.arguments import add_device, add_precision, add_styles, read_options
from faststyle.core.errors import UserError
from faststyle.stylize.options import RenderOptions


def _source(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def add_arguments(parser: ArgumentParser) -> None:
    """Which camera, in which styles."""
    add_styles(parser)
    parser.add_argument(
        "--source", type=_source, default=0, help="number of a camera, clip, or address"
    )
    parser.add_argument("--size", type=int, default=360, help="short side while stylizing")
    add_device(parser)
    add_precision(parser)


def run(args: Namespace) -> None:
    """Show a window until it is closed."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # what goes wrong is said below
    try:
        from faststyle.apps import webcam
    except ModuleNotFoundError:
        raise
    except ImportError as error:  # a library of the system's that OpenCV wants
        raise UserError(f"OpenCV, which shows the window, does not load: {error}") from None
    from faststyle.core.devices import reuse_freed_memory
    from faststyle.styles.loading import resolve_styles

    options = read_options(RenderOptions, args)
    names = resolve_styles(args.ckpt)
    reuse_freed_memory()
    print(webcam.KEYS)
    print(", ".join(f"{number}: {name}" for number, name in enumerate(names, start=1)))
    loading = {"device": args.device, "precision": args.precision}
    shown = webcam.show_live(webcam.Live(names, options, loading=loading), args.source)
    print(f"{shown} frames shown")
