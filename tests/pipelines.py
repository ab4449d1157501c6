"""Pipelines of files and clips by the names of their options alone."""

from typing import Any

from faststyle.core.limits import split
from faststyle.files.batch import FilePipeline
from faststyle.files.options import ReadOptions, WriteOptions
from faststyle.stylize.image_processor import ImageProcessor
from faststyle.stylize.options import RenderOptions


def file_pipeline(processor: ImageProcessor, **options: Any) -> FilePipeline:
    """One of files, each option being where it belongs."""
    render, read = split(RenderOptions, options), split(ReadOptions, options)
    return FilePipeline(processor, render, read, split(WriteOptions, options))
