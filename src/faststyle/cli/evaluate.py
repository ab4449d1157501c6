"""``faststyle evaluate --ckpt starry_night --photos photos/``: how good what was trained is."""

import json
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import Any

from faststyle.cli.arguments import add_style
from faststyle.core.errors import UserError


def _numbers(text: str) -> list[int]:
    return [number for part in text.split(",") if (number := int(part)) != 0]


def add_arguments(parser: ArgumentParser) -> None:
    """Which style, on which photos."""
    add_style(parser)
    parser.add_argument("--photos", required=True, type=Path, help="folder")
    parser.add_argument("--size", type=_numbers, default=[256], help="sides in pixels: 256,512")
    parser.add_argument("--count", type=int, default=4, help="photos, of those held out")
    parser.add_argument(
        "--iterations",
        type=_numbers,
        default=[50, 100, 200, 500],
        help="styles: of L-BFGS, to compare with: 50,100,200,500; 0 leaves it out",
    )
    parser.add_argument("--start", choices=("content", "noise"), default="content")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("overrides", nargs="*", help="as for train: encoder.weights=vgg19.pth")


def run(args: Namespace) -> None:
    """Measure, and print a table."""
    if min([*args.iterations, args.count]) < 1 or min(args.size, default=0) < 64:
        raise UserError("--count must be at least 1, --size 64, and --iterations 0 or more")
    from faststyle.core.atomic import atomic_write, check_target
    from faststyle.core.devices import reuse_freed_memory
    from faststyle.data.folder import find_photos
    from faststyle.export import is_exported_model
    from faststyle.styles import find_style, load_style

    path = find_style(args.ckpt).path
    if args.json:
        check_target(args.json, [path, *find_photos(args.photos)])
    reuse_freed_memory()
    is_style = is_exported_model(path) or load_style(path).metadata.factor == 1
    result, text = _of_style(args) if is_style else _of_enlarger(args)
    print(text)
    if args.json:
        with atomic_write(args.json) as temporary:
            temporary.write_text(json.dumps(result, indent=2))


def _of_style(args: Namespace) -> tuple[dict[str, Any], str]:
    from faststyle.config.compose import compose_config
    from faststyle.config.mistakes import report_config_errors
    from faststyle.evaluation.report import evaluate, table

    with report_config_errors("train"):
        result = evaluate(
            partial(compose_config, "train"),
            args.ckpt,
            args.photos,
            args.size,
            args.count,
            args.iterations,
            args.start,
            args.overrides,
        )
    return result, table(result)


def _of_enlarger(args: Namespace) -> tuple[dict[str, Any], str]:
    from faststyle.evaluation.enlargement import evaluate_enlarger, table

    if args.overrides:
        raise UserError(f"{args.ckpt} enlarges pictures: {args.overrides[0]} is for styles")
    result = evaluate_enlarger(args.ckpt, args.photos, args.size, args.count)
    return result, table(result)
