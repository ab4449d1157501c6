"""``faststyle enlarge photo.jpg``: photos and clips with more pixels."""

from argparse import ArgumentParser, Namespace

from faststyle.cli.arguments import add_device, add_files, add_precision
from faststyle.core.errors import UserError


def add_arguments(parser: ArgumentParser) -> None:
    """What is enlarged, by how much, and how."""
    parser.add_argument("inputs", nargs="+", help="pictures, clips, folders, patterns")
    parser.add_argument(
        "--ckpt", help="name or file of what train-super-resolution made; default: by the factor"
    )
    parser.add_argument("--factor", type=int, help="default: that of --ckpt, else 4")
    parser.add_argument("--output", help="file or folder; default: NAME.x4.EXT beside each")
    parser.add_argument(
        "--strength", type=float, default=1.0, help="0 (bicubic), 1 (network), to 2 (sharper)"
    )
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
    add_files(parser, tile="auto (large pictures in squares), off, or their side")


def run(args: Namespace) -> None:
    """Enlarge them all; a file that cannot be is named, and does not stop the rest."""
    # Imported late: --help should not wait for torch.
    from faststyle.core.devices import reuse_freed_memory
    from faststyle.files.batch import stylize_files
    from faststyle.files.jobs import check_formats, is_clip, plan
    from faststyle.networks.super_resolution import FACTORS
    from faststyle.stylize.upscaler import UpscaleOptions, Upscaler

    args.smooth = 0.0  # of clips: nothing is painted that could flicker
    options = UpscaleOptions.from_arguments(args)
    reuse_freed_memory()
    enlarger = Upscaler.load(args.ckpt, args.factor, device=args.device, precision=args.precision)
    jobs = plan(args.inputs, args.output, enlarger.name, [f"x{factor}" for factor in FACTORS])
    check_formats(jobs, options)
    clips = [job for job in jobs if is_clip(job.source)]
    pictures = [job for job in jobs if not is_clip(job.source)]
    failed = stylize_files(enlarger, pictures, options) if pictures else 0
    if clips:
        from faststyle.video import stylize_clips

        failed += stylize_clips(enlarger, clips, options)
    if failed:
        raise UserError(f"{failed} of {len(jobs)} files could not be enlarged")
