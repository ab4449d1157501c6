"""Make what the page of web/ needs of every style: python scripts/web_styles.py."""

import argparse
from pathlib import Path

from faststyle.core.errors import UserError, report_errors


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Export styles for the page of web/.")
    parser.add_argument("--ckpt", nargs="+", help="files of styles; default: all that have names")
    parser.add_argument("--output", type=Path, default=Path("web/styles"), help="folder")
    return parser.parse_args()


def main() -> None:
    args = parse()
    from faststyle.apps.static_page import write_programs
    from faststyle.checkpoints.catalog import find_style, list_styles

    found = [find_style(name) for name in args.ckpt or ()]
    if mixed := [name for name, style in zip(args.ckpt or (), found, strict=True) if style.mix]:
        raise UserError(f"{mixed[0]} is a part of a file: pass the file, which the page mixes")
    paths = [style.path for style in found] or [style.path for style in list_styles()]
    files = list(dict.fromkeys(paths))
    if len({path.stem for path in files}) < len(files):
        raise UserError("two files of one name: the page could not tell them apart")
    if not files:
        raise UserError("no styles here yet: train one, or pass --ckpt the path of a checkpoint")
    for program in write_programs(files, args.output):
        print(f"{program}: {program.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    with report_errors():
        main()
