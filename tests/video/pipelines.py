"""Pipelines of clips by the names of their options alone."""

from typing import Any

from faststyle.core.limits import split
from faststyle.files.options import WriteOptions
from faststyle.stylize.image_processor import ImageProcessor
from faststyle.stylize.options import RenderOptions
from faststyle.video.clips import ClipPipeline, Move
from faststyle.video.options import ClipOptions


def clip_pipeline(
    processor: ImageProcessor, move: Move | None = None, **options: Any
) -> ClipPipeline:
    """One of clips, each option being where it belongs."""
    render, write = split(RenderOptions, options), split(WriteOptions, options)
    return ClipPipeline(processor, render, write, split(ClipOptions, options), move)
