"""``faststyle stylize --ckpt starry_night photo.jpg``: photos and clips in a style."""

from argparse import Action, ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from faststyle.cli.arguments import add_device, add_options, add_precision, add_style, read_options
from faststyle.cli.styles import print_styles
from faststyle.core.errors import UserError
from faststyle.files.options import ReadOptions, WriteOptions
from faststyle.stylize.options import RenderOptions
from faststyle.video.options import ClipOptions

if TYPE_CHECKING:
    from faststyle.files.batch import FilePipeline
    from faststyle.files.jobs import Job
    from faststyle.stylize.upscaler import Upscaler
    from faststyle.video.clips import Move

#: Of ``--region``, in place of a mask: where no other style goes.
_REST = "rest"
_NO_STYLE = "name a style: --ckpt starry_night; faststyle styles lists them"


class _List(Action):
    """Show the styles that ``--ckpt`` knows by name, and leave, as ``--help`` does."""

    def __call__(self, parser: ArgumentParser, *_: Any, **__: Any) -> NoReturn:
        print_styles()
        parser.exit()


def add_arguments(parser: ArgumentParser) -> None:
    """What is stylized, by which style, and how."""
    parser.add_argument("inputs", nargs="+", help="pictures, clips, folders, patterns, addresses")
    add_style(parser, required=False)
    parser.add_argument("--list", action=_List, nargs=0, help="show the styles that have names")
    parser.add_argument(
        "--output", help="file, folder or address; default: NAME.STYLE.EXT beside each"
    )
    parser.add_argument(
        "--stroke", type=float, default=1.0, help="how large strokes are; 1 is usual"
    )
    for kind in (RenderOptions, ReadOptions, WriteOptions, ClipOptions):
        add_options(parser, kind)
    parser.add_argument(
        "--preserve-color",
        action="store_const",
        const="photo",
        dest="color",
        help="--color photo",
    )
    parser.add_argument(
        "--mask", help="where the style goes: white there, black not; or a folder of masks by name"
    )
    parser.add_argument(
        "--region",
        action="append",
        default=[],
        metavar="MASK=STYLE",
        help="where each of several styles goes; rest=STYLE is all that is left",
    )
    parser.add_argument(
        "--enlarge",
        metavar="FACTOR",
        help="enlarge the result by 2, 4 or 8, for prints; or by a file of faststyle enlarge",
    )
    add_device(parser)
    add_precision(parser)
    parser.add_argument(
        "--kernel", default="auto", choices=("auto", "direct"), help="of convolutions on a CPU"
    )
    parser.add_argument("--to", help="clips: the style, or mixture, to arrive at, of the same file")
    parser.add_argument(
        "--engine",
        help="pictures by the thousand: local, ray or slurm; started again, it does the rest",
    )
    parser.add_argument("--actors", type=int, help="its processes, on any machines; default: 1")


def run(args: Namespace) -> None:
    """Stylize them all; a file that cannot be is named, and does not stop the rest."""
    from faststyle.core.storage import is_address

    named = (*args.inputs, args.output) if args.output else args.inputs
    is_elsewhere = any(not Path(each).exists() and is_address(each) for each in named)
    if is_elsewhere or args.engine is not None or args.actors is not None:
        _run_in_bulk(args)
        return
    # Imported late: --help should not wait for torch.
    from faststyle.core.devices import reuse_freed_memory
    from faststyle.files.batch import FilePipeline
    from faststyle.files.jobs import plan
    from faststyle.files.mask_files import MaskFiles
    from faststyle.networks.conv3x3 import choose_kernel
    from faststyle.styles.catalog import list_styles
    from faststyle.styles.mixture import parse_mix
    from faststyle.stylize.image_processor import ImageProcessor
    from faststyle.stylize.regions import Regions
    from faststyle.stylize.stylizer import Stylizer
    from faststyle.stylize.upscale_pipeline import StylizeThenUpscale

    render, clip = read_options(RenderOptions, args), read_options(ClipOptions, args)
    read, write = read_options(ReadOptions, args), read_options(WriteOptions, args)
    reuse_freed_memory()
    choose_kernel(args.kernel)
    masks, styles = _where(args)
    if not masks and (render.feather or render.statistics != "region"):
        raise UserError("--feather and --statistics are of masks: see --mask and --region")
    files = [MaskFiles(mask) for mask in masks]
    chosen = {name: getattr(args, name) for name in ("device", "precision", "stroke")}
    stylizer: Stylizer | Regions
    stylizer = Regions.load(styles, **chosen) if files else Stylizer.load(styles[0], **chosen)
    processor: ImageProcessor = stylizer
    if args.enlarge is not None:
        upscaler = load_upscaler(args.enlarge, device=args.device, precision=args.precision)
        processor = StylizeThenUpscale(stylizer, upscaler)

    def others() -> list[str]:
        return [stylizer.name, *(style.name for style in list_styles())]

    jobs, move = plan(args.inputs, args.output, processor.name, others, files), None
    if args.to:
        if pictures := [job.source for job in jobs if not job.is_clip]:
            raise UserError(f"--to is for clips, and {pictures[0]} is a picture")
        if isinstance(stylizer, Regions):
            raise UserError("--to moves one style, and --mask and --region place them: choose")
        move = stylizer.move(parse_mix(args.to), args.stroke)
    failed = process_jobs(FilePipeline(processor, render, read, write), jobs, clip, move)
    if failed:
        kind = "files" if any(job.is_clip for job in jobs) else "pictures"
        raise UserError(f"{failed} of {len(jobs)} {kind} could not be stylized")


def process_jobs(
    pipeline: "FilePipeline", jobs: "Sequence[Job]", clip: ClipOptions, move: "Move | None" = None
) -> int:
    """Pictures first and clips then; returns how many failed.

    Raises ``UserError`` if a result's format cannot hold what is asked for.
    """
    from faststyle.files.batch import stylize_files
    from faststyle.files.jobs import check_formats

    check_formats(jobs, pipeline.read, pipeline.write)
    pictures = [job for job in jobs if not job.is_clip]
    clips = [job for job in jobs if job.is_clip]
    failed = stylize_files(pipeline, pictures) if pictures else 0
    if clips:
        from faststyle.video.clips import ClipPipeline, stylize_clips

        how = ClipPipeline(pipeline.processor, pipeline.render, pipeline.write, clip, move)
        failed += stylize_clips(how, clips)
    return failed


def load_upscaler(given: str, **options: str) -> "Upscaler":
    """The one that ``given`` means: a factor, a name or a file. Raises ``UserError`` for none."""
    from faststyle.stylize.upscaler import Upscaler

    if not given:
        raise UserError("--enlarge: name a factor, as 4, or the file of what enlarges")
    path, factor = (None, int(given)) if given.isdecimal() else (given, None)
    return Upscaler.load(path, factor, **options)


def _run_in_bulk(args: Namespace) -> None:
    """Many pictures, on several processes or machines, from any storage to any other."""
    from faststyle.bulk.job import BulkJob, stylize_in_bulk

    for name in ("mask", "region", "to", "enlarge"):
        if getattr(args, name):
            raise UserError(f"--{name} is not for --engine, nor for addresses")
    if not args.output:
        raise UserError("--engine, and addresses, need a folder for the results: --output")
    if args.ckpt is None:
        raise UserError(_NO_STYLE)
    stylize_in_bulk(
        BulkJob(
            inputs=args.inputs,
            output=args.output,
            ckpt=args.ckpt,
            render=read_options(RenderOptions, args),
            read=read_options(ReadOptions, args),
            write=read_options(WriteOptions, args),
            precision=args.precision,
            stroke=args.stroke,
            kernel=args.kernel,
            device=args.device,
            engine=args.engine or "local",
            actors=1 if args.actors is None else args.actors,
        )
    )


def _where(args: Namespace) -> tuple[list[str | None], list[str]]:
    """Masks as they are named, and the style of each; without masks, one style alone.

    That of the rest is none.
    """
    if args.mask is not None and args.region:
        raise UserError("--mask places one style and --region several: choose")
    if not args.region:
        if args.ckpt is None:
            raise UserError(_NO_STYLE)
        return [args.mask] if args.mask is not None else [], [args.ckpt]
    pairs = [_split(each) for each in args.region]
    if args.ckpt is not None:
        pairs.append((None, args.ckpt))
    rest = [pair for pair in pairs if pair[0] is None]
    if len(rest) > 1:
        raise UserError("the rest can have one style: --ckpt, or --region rest=STYLE")
    placed = rest + [pair for pair in pairs if pair[0] is not None]
    return [mask for mask, _ in placed], [style for _, style in placed]


def _split(region: str) -> tuple[str | None, str]:
    """Mask and style of MASK=STYLE, the mask being none for the rest.

    Both may have ``=`` in their names: the first one counts behind which there is a mask.
    """
    parts = region.split("=")
    pairs = [("=".join(parts[:at]), "=".join(parts[at:])) for at in range(1, len(parts))]
    there = [pair for pair in pairs if pair[0] == _REST or Path(pair[0]).expanduser().exists()]
    mask, style = (there or pairs or [("", "")])[0]
    if not mask or not style:
        raise UserError(f'--region "{region}": say MASK=STYLE, as sky.png=starry_night')
    return None if mask == _REST else mask, style
