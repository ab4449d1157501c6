"""Measure a trained style: python scripts/evaluate.py --ckpt starry_night --photos photos/."""

import argparse
import json
from pathlib import Path

from omegaconf import DictConfig

from faststyle.config.mistakes import report_config_errors
from faststyle.core.errors import UserError, report_errors

CONFIGS = Path(__file__).resolve().parents[1] / "configs"


def _numbers(text: str) -> list[int]:
    return [number for part in text.split(",") if (number := int(part)) != 0]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure a trained style on held-out photos.")
    parser.add_argument("--ckpt", required=True, help="a style's name or file")
    parser.add_argument("--photos", required=True, type=Path, help="folder")
    parser.add_argument("--size", type=_numbers, default=[256], help="sides in pixels: 256,512")
    parser.add_argument("--count", type=int, default=4, help="photos, of those held out")
    parser.add_argument(
        "--iterations",
        type=_numbers,
        default=[50, 100, 200, 500],
        help="of L-BFGS, to compare with: 50,100,200,500; 0 leaves it out",
    )
    parser.add_argument("--start", choices=("content", "noise"), default="content")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("overrides", nargs="*", help="as for train.py: encoder.weights=vgg19.pth")
    return parser.parse_args()


def compose_training(overrides: list[str]) -> DictConfig:
    from faststyle.config.compose import compose_config

    return compose_config(CONFIGS, "train", overrides)


def main() -> None:
    args = parse()
    if min([*args.iterations, args.count]) < 1 or min(args.size, default=0) < 64:
        raise UserError("--count must be at least 1, --size 64, and --iterations 0 or more")
    from faststyle.core.atomic import atomic_write
    from faststyle.core.devices import reuse_freed_memory
    from faststyle.evaluation.report import evaluate, table

    reuse_freed_memory()
    result = evaluate(
        compose_training,
        args.ckpt,
        args.photos,
        args.size,
        args.count,
        args.iterations,
        args.start,
        args.overrides,
    )
    print(table(result))
    if args.json:
        with atomic_write(args.json) as temporary:
            temporary.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    with report_errors(), report_config_errors(CONFIGS, "train"):
        main()
