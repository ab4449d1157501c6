"""Stylize photos and clips: python scripts/infer.py --ckpt starry_night photo.jpg."""

import argparse
from typing import Any, NoReturn

from faststyle.core.errors import UserError, report_errors


class _List(argparse.Action):
    """Show the styles that ``--ckpt`` knows by name, and leave, as ``--help`` does."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> NoReturn:
        from faststyle.checkpoints.catalog import list_styles

        found = list_styles()
        for style in found:
            print(f"{style.name}: {style.describe()}")
        if not found:
            print("no styles here yet: train one, or pass --ckpt the path of a checkpoint")
        parser.exit()


def _tile(text: str) -> str | int:
    return int(text) if text.isdecimal() else text


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Stylize photos and clips with a trained style.")
    parser.add_argument("inputs", nargs="+", help="pictures, clips, folders, patterns")
    parser.add_argument(
        "--ckpt",
        required=True,
        help="a style's name or file (.safetensors, .ckpt, .pth, .onnx);"
        " of several in one file gallery:starry_night=0.6,the_scream=0.4",
    )
    parser.add_argument("--list", action=_List, nargs=0, help="show the styles that have names")
    parser.add_argument("--output", help="file or folder; default: NAME.STYLE.EXT beside each")
    parser.add_argument("--size", type=int, help="short side in pixels; default: unchanged")
    parser.add_argument(
        "--stroke", type=float, default=1.0, help="how large strokes are; 1 is usual"
    )
    parser.add_argument("--strength", type=float, default=1.0, help="0 (photo) to 1 (style)")
    parser.add_argument("--preserve-color", action="store_true", help="keep the photo's colors")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--precision", default="auto", choices=("auto", "32", "bf16", "16"))
    parser.add_argument(
        "--kernel", default="auto", choices=("auto", "direct"), help="of convolutions on a CPU"
    )
    parser.add_argument("--batch-size", type=int, default=1, help="pictures of one size at once")
    parser.add_argument(
        "--tile", type=_tile, default="auto", help="auto (large pictures in strips), off, or rows"
    )
    parser.add_argument(
        "--max-pixels", type=int, help="refuse larger pictures; 16 million, or 178 in strips"
    )
    parser.add_argument(
        "--smooth",
        type=float,
        default=0.5,
        help="clips: seconds to average over against flicker",
    )
    parser.add_argument("--to", help="clips: the style, or mixture, to arrive at, of the same file")
    return parser.parse_args()


def main() -> None:
    args = parse()
    # Imported late: --help should not wait for torch.
    from faststyle.checkpoints.mixture import parse_mix
    from faststyle.core.devices import reuse_freed_memory
    from faststyle.inference.batch import is_clip, plan, stylize_files
    from faststyle.inference.options import StylizeOptions
    from faststyle.inference.stylizer import Stylizer
    from faststyle.networks.conv3x3 import choose_kernel

    options = StylizeOptions.from_arguments(args)
    reuse_freed_memory()
    choose_kernel(args.kernel)
    stylizer = Stylizer.load(
        args.ckpt, device=args.device, precision=args.precision, stroke=args.stroke
    )
    jobs = plan(args.inputs, args.output, stylizer.name)
    clips = [job for job in jobs if is_clip(job.source)]
    pictures = [job for job in jobs if not is_clip(job.source)]
    if args.to and pictures:
        raise UserError(f"--to is for clips, and {pictures[0].source} is a picture")
    move = stylizer.move(parse_mix(args.to), args.stroke) if args.to else None
    failed = _run_clips(stylizer, clips, options, move) if clips else 0
    failed += stylize_files(stylizer, pictures, options) if pictures else 0
    if failed:
        kind = "files" if clips else "pictures"
        raise UserError(f"{failed} of {len(jobs)} {kind} could not be stylized")


def _run_clips(stylizer: Any, clips: list[Any], options: Any, move: Any) -> int:
    try:
        from faststyle.inference.video import stylize_clips
    except ImportError:
        raise UserError('clips need one more package: pip install "faststyle[video]"') from None
    return stylize_clips(stylizer, clips, options, move)


if __name__ == "__main__":
    with report_errors():
        main()
