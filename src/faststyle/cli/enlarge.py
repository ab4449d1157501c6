"""``faststyle enlarge photo.jpg``: photos and clips with more pixels."""

from argparse import ArgumentParser, Namespace

from faststyle.cli.arguments import add_device, add_options, add_precision, read_options
from faststyle.cli.stylize import process_jobs
from faststyle.core.errors import UserError
from faststyle.files.options import WriteOptions
from faststyle.stylize.options import UpscaleOptions
from faststyle.video.options import ClipOptions


def add_arguments(parser: ArgumentParser) -> None:
    """What is enlarged, by how much, and how."""
    parser.add_argument("inputs", nargs="+", help="pictures, clips, folders, patterns")
    parser.add_argument(
        "--ckpt", help="name or file of what train-super-resolution made; default: by the factor"
    )
    parser.add_argument("--factor", type=int, help="default: that of --ckpt, else 4")
    parser.add_argument("--output", help="file or folder; default: NAME.x4.EXT beside each")
    parser.add_argument(
        "--match-histogram",
        action="store_const",
        const="hist",
        default="painting",
        dest="color",
        help="give the result the distribution of the photo's colors",
    )
    add_device(parser)
    add_precision(parser)
    add_options(parser, UpscaleOptions, "strength", "tile", "max_pixels")
    add_options(parser, WriteOptions)
    add_options(parser, ClipOptions, "start", "end")


def run(args: Namespace) -> None:
    """Enlarge them all; a file that cannot be is named, and does not stop the rest."""
    # Imported late: --help should not wait for torch.
    from faststyle.core.devices import reuse_freed_memory
    from faststyle.files.batch import FilePipeline
    from faststyle.files.jobs import plan
    from faststyle.networks.super_resolution import FACTORS
    from faststyle.stylize.upscaler import Upscaler

    args.smooth = 0.0  # of clips: there are no strokes that could flicker
    render, write = read_options(UpscaleOptions, args), read_options(WriteOptions, args)
    clip = read_options(ClipOptions, args)
    reuse_freed_memory()
    upscaler = Upscaler.load(args.ckpt, args.factor, device=args.device, precision=args.precision)
    others = [f"x{factor}" for factor in FACTORS]
    jobs = plan(args.inputs, args.output, upscaler.name, lambda: others)
    if failed := process_jobs(FilePipeline(upscaler, render, write=write), jobs, clip):
        raise UserError(f"{failed} of {len(jobs)} files could not be enlarged")
