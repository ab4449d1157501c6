import re
from argparse import Namespace
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
import torch

from faststyle.cli.arguments import read_options
from faststyle.core.errors import UserError
from faststyle.core.limits import Options
from faststyle.files.options import ReadOptions, WriteOptions
from faststyle.images.pixels import Picture
from faststyle.stylize.options import RenderOptions
from faststyle.video.options import ClipOptions

WRONG: list[tuple[type[Options], dict[str, Any], str]] = [
    (RenderOptions, {"size": 0}, "size is 0; it must be at least 1 pixel"),
    (RenderOptions, {"strength": 1.5}, "strength is 1.5; it must lie between 0 and 1"),
    (RenderOptions, {"strength": float("nan")}, "strength is nan; it must lie between 0 and 1"),
    (
        RenderOptions,
        {"feather": 1e300},
        "feather is 1e+300; it must lie between 0 and 10,000 pixels",
    ),
    (RenderOptions, {"tile": "of"}, 'tile is "of"; it must be auto, off, or 32 rows or more'),
    (RenderOptions, {"tile": 31}, 'tile is "31"; it must be auto, off, or 32 rows or more'),
    (ReadOptions, {"batch_size": 0}, "batch_size is 0; it must be at least 1"),
    (RenderOptions, {"max_pixels": 0}, "max_pixels is 0; it must be at least 1"),
    (ClipOptions, {"smooth": -1.0}, "smooth is -1.0; it must be 0 or more seconds"),
    (ClipOptions, {"start": -1.0}, "start is -1.0; it must be 0 or more seconds"),
    (ClipOptions, {"end": 0.0}, "end is 0.0; it must be more seconds than the start"),
    (WriteOptions, {"quality": 0}, "quality is 0; it must lie between 1 and 100"),
    (WriteOptions, {"bit_depth": 12}, "bit_depth is 12; it must be 8, 10 or 16"),
]


@pytest.mark.parametrize(("kind", "values", "message"), WRONG)
def test_a_value_outside_its_range_is_refused_by_its_name(
    kind: type[Options], values: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        kind(**values)


@pytest.mark.parametrize(("kind", "values", "message"), WRONG)
def test_a_command_line_is_told_of_its_flag(
    kind: type[Options], values: dict[str, Any], message: str
) -> None:
    [name] = values
    message = message.replace(name, "--" + name.replace("_", "-"))
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        read_options(kind, Namespace(**values))


def test_a_command_line_may_have_other_flags_and_lack_some() -> None:
    found = read_options(RenderOptions, Namespace(size=9, tile="off", output="a.png"))
    assert found == RenderOptions(size=9, tile="off")


def test_options_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        RenderOptions().size = 3  # type: ignore[misc]


def test_a_picture_that_has_the_size_already_stays() -> None:
    picture = Picture(torch.rand(3, 20, 24))
    for size in (None, 20):
        assert picture.scaled(size).pixels is picture.pixels


def test_a_long_and_thin_picture_is_not_scaled_to_what_no_memory_holds() -> None:
    thin = Picture(torch.zeros(3, 1, 25_000, dtype=torch.uint8))
    with pytest.raises(UserError, match=r"25,000 x 1 pixels.*would be 12,800,000 x 512: too many"):
        thin.scaled(512)
    small = Picture(torch.zeros(3, 10, 20))
    with pytest.raises(UserError, match="too many"):
        small.scaled(20, 700)
    assert small.scaled(20, 800).pixels.shape == (3, 20, 40)
