"""``faststyle evaluate --ckpt starry_night --photos photos/``: how good what was trained is."""

from collections.abc import Sequence
from functools import partial
from json import dumps
from pathlib import Path
from typing import Annotated

from faststyle.cli.arguments import Style
from faststyle.core.errors import UserError
from faststyle.core.limits import OneOf


def _numbers(text: str) -> list[int]:
    return [number for part in text.split(",") if (number := int(part)) != 0]


def evaluate(
    *overrides: Annotated[str, "as for train: encoder.weights=vgg19.pth"],
    ckpt: Style,
    photos: Annotated[Path, "folder"],
    size: Annotated[Sequence[int], "sides in pixels: 256,512", _numbers] = (256,),
    count: Annotated[int, "photos, of those held out"] = 4,
    iterations: Annotated[
        Sequence[int],
        "styles: of L-BFGS, to compare with: 50,100,200,500; 0 leaves it out",
        _numbers,
    ] = (50, 100, 200, 500),
    start: Annotated[str, OneOf(("content", "noise"))] = "content",
    json: Annotated[Path | None, "write the figures to this file too"] = None,
) -> None:
    """Measure, and print a table."""
    if min([*iterations, count]) < 1 or min(size, default=0) < 64:
        raise UserError("--count must be at least 1, --size 64, and --iterations 0 or more")
    from faststyle.config.compose import compose_config
    from faststyle.config.mistakes import report_config_errors
    from faststyle.core.atomic import atomic_write, check_target
    from faststyle.core.devices import reuse_freed_memory
    from faststyle.data.folder import find_photos
    from faststyle.evaluation import enlargement, report
    from faststyle.export import is_exported_model
    from faststyle.styles import find_style, load_style

    path = find_style(ckpt).path
    if json:
        check_target(json, [path, *find_photos(photos)])
    reuse_freed_memory()
    if is_exported_model(path) or load_style(path).metadata.factor == 1:
        compose = partial(compose_config, "train")
        with report_config_errors("train"):
            result = report.evaluate(
                compose, ckpt, photos, size, count, iterations, start, overrides
            )
        print(report.table(result))
    elif overrides:
        raise UserError(f"{ckpt} enlarges pictures: {overrides[0]} is for styles")
    else:
        result = enlargement.evaluate_enlarger(ckpt, photos, size, count)
        print(enlargement.table(result))
    if json:
        with atomic_write(json) as temporary:
            temporary.write_text(dumps(result, indent=2))
