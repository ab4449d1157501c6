"""``faststyle enlarge photo.jpg``: photos and clips with more pixels."""

from dataclasses import replace
from typing import Annotated

from faststyle.cli.arguments import Device, Precision
from faststyle.cli.stylize import process_jobs
from faststyle.core.errors import UserError
from faststyle.files.options import WriteOptions
from faststyle.stylize.options import DEFAULT_PRECISION, UpscaleOptions
from faststyle.video.options import ClipOptions


def enlarge(
    inputs: Annotated[list[str], "pictures, clips, folders, patterns"],
    *,
    ckpt: Annotated[
        str | None, "name or file of what train-super-resolution made; default: by the factor"
    ] = None,
    factor: Annotated[int | None, "default: that of --ckpt, else 4"] = None,
    output: Annotated[str | None, "file or folder; default: NAME.x4.EXT beside each"] = None,
    match_histogram: Annotated[
        bool, "give the result the distribution of the photo's colors"
    ] = False,
    device: Device = "auto",
    precision: Precision = DEFAULT_PRECISION,
    render: Annotated[UpscaleOptions, ("strength", "tile", "max_pixels")],
    write: WriteOptions,
    clip: Annotated[ClipOptions, ("start", "end")],
) -> None:
    """Enlarge them all; a file that cannot be is named, and does not stop the rest."""
    # Imported late: --help should not wait for torch.
    from faststyle.core.devices import reuse_freed_memory
    from faststyle.files.batch import FilePipeline
    from faststyle.files.jobs import plan
    from faststyle.networks.super_resolution import FACTORS
    from faststyle.stylize.upscaler import Upscaler

    clip = replace(clip, smooth=0.0)  # there are no strokes that could flicker
    render = replace(render, color="hist" if match_histogram else "painting")
    reuse_freed_memory()
    upscaler = Upscaler.load(ckpt, factor, device=device, precision=precision)
    others = [f"x{factor}" for factor in FACTORS]
    jobs = plan(inputs, output, upscaler.name, lambda: others)
    if failed := process_jobs(FilePipeline(upscaler, render, write=write), jobs, clip):
        raise UserError(f"{failed} of {len(jobs)} files could not be enlarged")
