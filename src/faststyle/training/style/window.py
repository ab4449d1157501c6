"""The part of its crops that a loss sees, which moves from step to step."""

from types import EllipsisType

from faststyle.core.chance import Purpose, numpy_generator

#: Pixels of a side that are always seen: in fewer there is not room for all of a style.
LEAST = 160


def moving_window(
    height: int, width: int, margin: int, seed: int, step: int
) -> tuple[EllipsisType, slice, slice]:
    """The index of what is seen, in one step, of crops (..., H, W).

    A network can tell where its input ends, and every crop has borders. So a loss that always sees
    these falls fastest by the same thing along them in every picture, such as a bar of the sky's
    color at the top. Here each border is seen in a quarter of the steps, and has to be as the rest.

    Args:
        height: of the crops.
        width: of the crops.
        margin: by how many pixels height and width of what is seen are smaller, if more than
            :data:`LEAST` are left.
        seed: of the training.
        step: of the training.
    """
    generator = numpy_generator(seed, Purpose.WINDOW, step)
    down, right = (_part(side, margin, generator.uniform(-0.5, 1.5)) for side in (height, width))
    return ..., down, right


def _part(side: int, margin: int, place: float) -> slice:
    margin = max(0, min(margin, side - LEAST))
    first = round(margin * min(max(place, 0.0), 1.0))
    return slice(first, first + side - margin)
