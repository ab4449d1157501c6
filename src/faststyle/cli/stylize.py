"""``faststyle stylize --ckpt starry_night photo.jpg``: photos and clips in a style."""

from argparse import Action, ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

from faststyle.cli.arguments import STYLE, Device, Precision
from faststyle.cli.styles import styles
from faststyle.core.errors import UserError
from faststyle.core.limits import OneOf
from faststyle.files.options import ReadOptions, WriteOptions
from faststyle.optimization.options import TuneOptions
from faststyle.stylize.options import DEFAULT_PRECISION, RenderOptions
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
        styles()
        parser.exit()


def stylize(
    inputs: Annotated[list[str], "pictures, clips, folders, patterns, addresses"],
    *,
    ckpt: Annotated[str | None, STYLE] = None,
    list: Annotated[  # noqa: ARG001
        bool, "show the styles that have names", {"action": _List, "nargs": 0}
    ] = False,
    output: Annotated[
        str | None, "file, folder or address; default: NAME.STYLE.EXT beside each"
    ] = None,
    painting: Annotated[
        Sequence[str] | None,
        "paint like this picture, with --ckpt any; again for several, PATH=WEIGHT each",
        {"action": "append", "nargs": None, "metavar": "PATH"},
    ] = None,
    tune: TuneOptions,
    save: Annotated[
        str | None, "keep the style of --painting, tuned once for all photos, by this name"
    ] = None,
    stroke: Annotated[float, "how large strokes are; 1 is usual"] = 1.0,
    render: RenderOptions,
    read: ReadOptions,
    write: WriteOptions,
    clip: ClipOptions,
    preserve_color: Annotated[bool, "--color photo"] = False,
    mask: Annotated[
        str | None, "where the style goes: white there, black not; or a folder of masks by name"
    ] = None,
    region: Annotated[
        Sequence[str] | None,
        "where each of several styles goes; rest=STYLE is all that is left",
        {"action": "append", "nargs": None, "metavar": "MASK=STYLE"},
    ] = None,
    enlarge: Annotated[
        str | None,
        "enlarge the result by 2, 4 or 8, for prints; or by a file of faststyle enlarge",
        {"metavar": "FACTOR"},
    ] = None,
    device: Device = "auto",
    precision: Precision = DEFAULT_PRECISION,
    kernel: Annotated[str, "of convolutions on a CPU", OneOf(("auto", "direct"))] = "auto",
    to: Annotated[
        str | None, "clips: the style, or mixture, to arrive at, of the same file"
    ] = None,
    engine: Annotated[
        str | None, "pictures by the thousand: local, ray or slurm; started again, it does the rest"
    ] = None,
    actors: Annotated[int | None, "its processes, on any machines; default: 1"] = None,
) -> None:
    """Stylize them all; a file that cannot be is named, and does not stop the rest."""
    from faststyle.core.storage import is_address

    render = replace(render, color="photo") if preserve_color else render
    named = [*inputs, output] if output else inputs
    is_elsewhere = any(not Path(each).exists() and is_address(each) for each in named)
    if is_elsewhere or engine is not None or actors is not None:
        from faststyle.bulk.job import BulkJob, stylize_in_bulk

        unfit = {"painting": painting, "mask": mask, "region": region, "to": to}
        output, ckpt = _check_bulk(output, ckpt, enlarge=enlarge, **unfit)
        job = BulkJob(inputs, output, ckpt, render, read, write, precision, stroke, kernel, device)
        count = 1 if actors is None else actors
        stylize_in_bulk(replace(job, engine=engine or "local", actors=count))
        return
    # Imported late: --help should not wait for torch.
    from faststyle.core.devices import reuse_freed_memory
    from faststyle.files.batch import FilePipeline
    from faststyle.files.jobs import plan
    from faststyle.files.mask_files import MaskFiles
    from faststyle.networks.kernels import choose_kernel
    from faststyle.styles.catalog import list_styles
    from faststyle.styles.mixture import check_has_style, parse_mix
    from faststyle.stylize.image_processor import ImageProcessor
    from faststyle.stylize.regions import Regions
    from faststyle.stylize.stylizer import Stylizer
    from faststyle.stylize.upscaler import StylizeThenUpscale

    reuse_freed_memory()
    choose_kernel(kernel)
    how: dict[str, Any] = {"device": device, "precision": precision, "stroke": stroke}
    predicted = None
    if painting:
        if region or to:
            raise UserError("--painting is one style: --region and --to are of styles by name")
        if mask is not None and tune.is_asked and save is None:
            raise UserError("--mask places a style that is tuned for all pictures: --save NAME")
        from faststyle.cli.painting import PaintingStyle

        predicted = PaintingStyle(painting, ckpt or "any", tune, save, stroke)
        ckpt = predicted.style.name
    elif (tune.seconds, tune.steps, save) != (None, None, None):
        raise UserError("--seconds, --steps and --save are of a style that --painting predicts")
    masks, placed = _where(ckpt, mask, region)
    if not masks and (render.feather or render.statistics != "region"):
        raise UserError("--feather and --statistics are of masks: see --mask and --region")
    files = [MaskFiles(each) for each in masks]
    stylizer: ImageProcessor
    if predicted is not None:
        stylizer = predicted.stylizer(files, **how)
    else:
        stylizer = Regions.load(placed, **how) if files else Stylizer.load(placed[0], **how)
        if isinstance(stylizer, Stylizer) and stylizer.source_metadata.takes_paintings:
            check_has_style(stylizer.source_metadata)
    processor: ImageProcessor = stylizer
    if enlarge is not None:
        upscaler = load_upscaler(enlarge, device=device, precision=precision)
        processor = StylizeThenUpscale(stylizer, upscaler)

    def others() -> Sequence[str]:
        return [stylizer.name, *(style.name for style in list_styles())]

    jobs, move = plan(inputs, output, processor.name, others, files), None
    if predicted is not None and (tune.is_asked or save is not None):
        processor = predicted.tuned(jobs, files, **how)
        if enlarge is not None:
            processor = StylizeThenUpscale(processor, upscaler)
    if to:
        if pictures := [job.source for job in jobs if not job.is_clip]:
            raise UserError(f"--to is for clips, and {pictures[0]} is a picture")
        if not isinstance(stylizer, Stylizer):
            raise UserError("--to moves one style, and --mask and --region place them: choose")
        move = stylizer.move(parse_mix(to), stroke)
    if failed := process_jobs(FilePipeline(processor, render, read, write), jobs, clip, move):
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
        from faststyle.video.clip_process import stylize_clips_apart
        from faststyle.video.clips import ClipPipeline

        how = ClipPipeline(pipeline.processor, pipeline.render, pipeline.write, clip, move)
        failed += stylize_clips_apart(how, clips)
    return failed


def load_upscaler(given: str, **options: str) -> "Upscaler":
    """The one that ``given`` means: a factor, a name or a file. Raises ``UserError`` for none."""
    from faststyle.stylize.upscaler import Upscaler

    if not given:
        raise UserError("--enlarge: name a factor, as 4, or the file of what enlarges")
    path, factor = (None, int(given)) if given.isdecimal() else (given, None)
    return Upscaler.load(path, factor, **options)


def _check_bulk(output: str | None, ckpt: str | None, **others: object) -> tuple[str, str]:
    """Raise ``UserError`` for what pictures by the thousand, from any storage, do not have."""
    for name, value in others.items():
        if value:
            raise UserError(f"--{name} is not for --engine, nor for addresses")
    if not output:
        raise UserError("--engine, and addresses, need a folder for the results: --output")
    if ckpt is None:
        raise UserError(_NO_STYLE)
    return output, ckpt


def _where(
    ckpt: str | None, mask: str | None, region: Sequence[str] | None
) -> tuple[list[str | None], list[str]]:
    """Masks as they are named, and the style of each; without masks, one style alone.

    That of the rest is none.
    """
    if mask is not None and region:
        raise UserError("--mask places one style and --region several: choose")
    if not region:
        if ckpt is None:
            raise UserError(_NO_STYLE)
        return [mask] if mask is not None else [], [ckpt]
    pairs = [_split(each) for each in region]
    if ckpt is not None:
        pairs.append((None, ckpt))
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
