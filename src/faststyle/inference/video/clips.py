"""Stylizing clips: decoding, stylizing and encoding go on side by side."""

import math
import sys
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from faststyle.core.atomic import atomic_write
from faststyle.core.errors import UserError
from faststyle.inference.batch import Job, Settings
from faststyle.inference.stylizer import Stylizer
from faststyle.inference.video.prefetch import prefetch
from faststyle.inference.video.reader import Clip, Frame, Item, quiet
from faststyle.inference.video.temporal_filter import TemporalFilter
from faststyle.inference.video.writer import Writer
from faststyle.pictures.picture import Picture
from faststyle.pictures.pixels import resize, to_unit


def stylize_clips(
    stylizer: Stylizer, jobs: Sequence[Job], settings: Settings, smooth: float
) -> int:
    """Stylize every clip; one that cannot be read does not stop the rest.

    Args:
        stylizer: a trained style.
        jobs: the clips and where their stylized versions go.
        settings: as for pictures; ``batch_size`` and ``tile`` mean nothing here.
        smooth: the time in seconds over which what stands still is averaged, against flicker
            (:mod:`faststyle.inference.video.temporal_filter`); 0 for none.

    Returns:
        How many clips failed or were damaged; each was named on standard error.

    Raises:
        KeyboardInterrupt: when interrupted; what was stylized until then is a whole clip.
    """
    failed = 0
    for job in jobs:
        try:
            with quiet():
                damage = _stylize(stylizer, job.source, job.target, settings, smooth)
            print(job.target)  # noqa: T201
        except UserError as error:
            damage = str(error)
        if damage:
            failed += 1
            print(f"error: {job.source}: {damage}", file=sys.stderr)  # noqa: T201
    return failed


def _stylize(
    stylizer: Stylizer, source: Path, target: Path, settings: Settings, smooth: float
) -> str:
    """Stylize one clip; returns what is wrong with it, or nothing."""
    interrupted = False
    bar: tqdm[NoReturn]
    with Clip(source) as clip, atomic_write(target) as temporary:
        keep = math.exp(-1 / (smooth * clip.rate)) if smooth else 0.0
        stylized = prefetch(
            _stylized(stylizer, prefetch(iter(clip)), settings, TemporalFilter(keep))
        )
        last = 0.0
        with (
            Writer(temporary, clip) as writer,
            closing(stylized),
            tqdm(total=clip.frame_count, unit="frame", desc=source.name) as bar,
        ):
            try:
                for item in stylized:
                    writer.write(item)
                    if isinstance(item, Frame):
                        last = float(item.time * clip.time_base)
                        bar.update()
            except KeyboardInterrupt:
                interrupted = True
        if not bar.n:
            raise KeyboardInterrupt if interrupted else UserError("it has no frames to stylize")
    if interrupted:
        print(f"{target} holds the first {last:.1f} s", file=sys.stderr)  # noqa: T201
        raise KeyboardInterrupt
    if clip.is_damaged:
        return f"damaged; {target} has what could be read, up to {last:.1f} of {clip.seconds:.1f} s"
    return ""


def _stylized(
    stylizer: Stylizer,
    items: Generator[Item, None, None],
    settings: Settings,
    steady: TemporalFilter,
) -> Generator[Item, None, None]:
    """The same items, with stylized frames."""
    with closing(items):
        for item in items:
            if not isinstance(item, Frame):
                yield item
                continue
            pixels = to_unit(item.pixels)
            if settings.size:
                pixels = resize(pixels, settings.size)
            [picture] = stylizer.stylize(
                [Picture(steady.photo(pixels))],
                settings.size,
                settings.strength,
                settings.preserve_color,
                settings.max_pixels,
            )
            yield Frame(steady.stylized(picture.pixels), item.time, item.colors)
