"""How long a predicted style is tuned on a photo."""

from dataclasses import dataclass
from typing import Annotated

from faststyle.core.limits import InRange, Options


@dataclass(frozen=True)
class TuneOptions(Options):
    """What ends the tuning of a style that was predicted: time, or a number of steps, or neither.

    Args:
        seconds: of tuning, for each photo; the same seconds need not give the same picture.
        steps: of tuning, for each photo.
        loss_weights: a file of VGG-19's weights, which then judges pictures in place of the loss
            network that ships.
    """

    seconds: Annotated[
        float | None, "tune the style of --painting on the photo for so long", InRange(0.001)
    ] = None
    steps: Annotated[int | None, "the same by steps, which repeats exactly", InRange(1)] = None
    loss_weights: Annotated[str | None, "tune against VGG-19 of this file"] = None

    @property
    def is_asked(self) -> bool:
        """Whether anything is to be tuned."""
        return self.seconds is not None or self.steps is not None
