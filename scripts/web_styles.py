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
    from faststyle.styles.catalog import find_style
    from faststyle.styles.loading import resolve_styles

    for name in args.ckpt or ():
        if find_style(name).mix:
            raise UserError(f"{name} is a part of a file: pass the file, which the page mixes")
    files = list(dict.fromkeys(find_style(name).path for name in resolve_styles(args.ckpt)))
    if len({path.stem for path in files}) < len(files):
        raise UserError("two files of one name: the page could not tell them apart")
    for program in write_programs(files, args.output):
        print(f"{program}: {program.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    with report_errors():
        main()
