"""``faststyle stylize --painting mine.jpg photo.jpg``: a style that no training has seen."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faststyle.core.atomic import check_target
from faststyle.core.errors import UserError, needs_extra
from faststyle.files.jobs import Job
from faststyle.files.mask_files import MaskFiles
from faststyle.images.files import load_picture
from faststyle.optimization.options import TuneOptions
from faststyle.optimization.paintings import load_paintings
from faststyle.styles import StyleMetadata, TrainedStyle, find_style, load_style, write_style
from faststyle.styles.catalog import beside_shipped
from faststyle.styles.predicted import PAINTING_SIZE, Painting, predict_style
from faststyle.stylize.regions import Regions
from faststyle.stylize.stylizer import Stylizer

if TYPE_CHECKING:
    from faststyle.optimization.tuning import StyleTuner, TunedStylizer

#: Sizes of paintings, in parts of the usual one, at which predicted strokes are still good.
_STROKES = 0.6, 1.6
#: Photos that a style which is saved is tuned on, at most.
_PHOTOS = 16

log = logging.getLogger(__name__)


class PaintingStyle:
    """What is predicted for the pictures of ``--painting``, and tuned if that is asked for.

    ``stroke``: that of the pictures, which larger or smaller paintings give; :attr:`stroke` is what
    is left of it for the renderer.

    Raises ``UserError`` for a file that predicts nothing, or paintings that cannot be read.
    """

    def __init__(
        self,
        paintings: Sequence[str],
        ckpt: str,
        tune: TuneOptions,
        save: str | None,
        stroke: float,
    ) -> None:
        self.tune, self.save = tune, None if save is None else _target(save)
        at_once = min(max(stroke, _STROKES[0]), _STROKES[1])
        self.stroke = stroke / at_once
        self.paintings: list[Painting] = load_paintings(paintings, round(PAINTING_SIZE * at_once))
        self.style = predict_style(load_style(find_style(ckpt).path), self.paintings)
        if self.save is not None:
            check_target(self.save)
            self.style = _named(self.style, self.save.stem)

    def stylizer(self, masks: Sequence[MaskFiles], **how: Any) -> Stylizer | Regions:
        """What stylizes as it was predicted, where ``masks`` say; ``how`` is for the stylizer."""
        how = {**how, "stroke": self.stroke}
        stylizer = Stylizer(self.style, mix={self.style.name: 1.0}, **how)
        return Regions([stylizer]) if masks else stylizer

    def tuned(
        self, jobs: Sequence[Job], masks: Sequence[MaskFiles], **how: Any
    ) -> "Stylizer | Regions | TunedStylizer":
        """The same of a style that is tuned on each picture of ``jobs``, or on all and written."""
        if self.tune.is_asked:
            with needs_extra("train"):  # which a painting alone does not need
                from faststyle.optimization.tuning import StyleTuner, TunedStylizer

            tuner = StyleTuner(self.paintings, self.tune)
            if self.save is None:
                self._check_alone(jobs)
                return TunedStylizer(self.style, tuner, **{**how, "stroke": self.stroke})
            self.style = self._tuned(tuner, jobs)
        assert self.save is not None
        write_style(self.style, self.save)
        print(f"saved {self.save}", file=sys.stderr)
        return self.stylizer(masks, **how)

    def _check_alone(self, jobs: Sequence[Job]) -> None:
        """Say how long it takes to tune a style for each of many."""
        if clips := [job.source for job in jobs if job.is_clip]:
            raise UserError(f"{clips[0]} is a clip: tune its style once, by --save NAME")
        if len(jobs) > 1:
            each = f"{self.tune.seconds:g} s" if self.tune.seconds else f"{self.tune.steps} steps"
            log.warning(
                "the style is tuned for each of %d pictures, %s each; --save NAME tunes it once",
                *(len(jobs), each),
            )

    def _tuned(self, tuner: "StyleTuner", jobs: Sequence[Job]) -> TrainedStyle:
        from faststyle.optimization.tuning import tuning_bar

        photos = [
            load_picture(job.source, short_side=512).pixels
            for job in jobs[:_PHOTOS]
            if not job.is_clip
        ]
        if not photos:
            raise UserError("a style is tuned on pictures: give one beside the clip")
        with tuning_bar(self.tune) as show:
            return tuner.tune(self.style, photos, show, generalize=True)


def _target(save: str) -> Path:
    if not save:
        raise UserError("--save is empty: name the style")
    given = Path(save).expanduser()
    if len(given.parts) == 1 and not given.suffix:
        given = Path("checkpoints", f"{save}.safetensors")
    if given.suffix != ".safetensors":
        raise UserError(f"--save {save}: styles are .safetensors files, or names")
    return beside_shipped(given)


def _named(style: TrainedStyle, name: str) -> TrainedStyle:
    first, *others = style.metadata.styles
    name = StyleMetadata(name).name
    styles = (replace(first, style=name), *others)
    return replace(style, metadata=replace(style.metadata, style=name, styles=styles))
