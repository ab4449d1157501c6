"""Make what the page of web/ needs of every style: python scripts/web_styles.py."""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from faststyle.apps.listing import arrange, describe
from faststyle.apps.sample import sample_file
from faststyle.core.assets import license_text, project_address
from faststyle.core.atomic import atomic_write
from faststyle.core.errors import UserError, report_errors
from faststyle.export import ExportOptions
from faststyle.styles import load_style
from faststyle.styles.catalog import find_style
from faststyle.styles.exporting import export
from faststyle.styles.loading import resolve_styles
from faststyle.stylize.stylizer import Stylizer

#: Side in pixels of the tiny picture that a graphics card is tried with; see web/src/worker.js.
_PROBE = 16


def main() -> None:
    parser = argparse.ArgumentParser(description="Export styles for the page of web/.")
    parser.add_argument("--ckpt", nargs="+", help="files of styles; default: all that have names")
    parser.add_argument("--output", type=Path, default=Path("web/styles"), help="folder")
    args = parser.parse_args()
    for name in args.ckpt or ():
        if find_style(name).mix:
            raise UserError(f"{name} is a part of a file: pass the file, which the page mixes")
    files = list(dict.fromkeys(find_style(name).path for name in resolve_styles(args.ckpt)))
    if len({path.stem for path in files}) < len(files):
        raise UserError("two files of one name: the page could not tell them apart")
    for program in write_programs(files, args.output):
        print(f"{program}: {program.stat().st_size / 1e6:.1f} MB")


def write_programs(files: Sequence[Path], folder: Path) -> list[Path]:
    """Export each file of one or several styles to ``folder``, with what else the page fetches.

    Of several styles the mixture is an input. The list, ``styles.json``, has for each program its
    ``name``, how it is ``run`` (its ``address``, which changes with its content, its ``bytes``, and
    ``probe``, see :func:`probe`), and what :func:`describe` says of it, as :func:`arrange` puts it.

    Args:
        files: of styles.
        folder: made if need be.

    Returns:
        The programs.

    Raises:
        UserError: a file that is no style, or what ONNX needs is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    programs, listed = [], []
    for file in files:
        program = folder / f"{file.stem}.onnx"
        style = load_style(file)
        names = style.metadata.names()
        stylizer = Stylizer(style, "cpu", "32", {names[0]: 1} if names else {})
        tried = probe(stylizer)
        export(style, program, options=ExportOptions("float"))
        programs.append(program)
        listed.append({"name": file.stem, "run": _run(program, tried)} | describe(stylizer))
    about = {"engine": "browser", "project": project_address(), "programs": arrange(listed)}
    _write(folder / "styles.json", json.dumps(about).encode())
    _write(folder / "example.jpg", sample_file())
    _write(folder / "license.txt", license_text().encode())
    return programs


def probe(stylizer: Stylizer) -> list[float]:
    """What the network makes of a tiny picture, in thousandths: planes of R, G and B.

    The value at place i of the picture's planes is 7 i mod 32, divided by 31.
    """
    values = torch.arange(3 * _PROBE**2) * 7 % 32 / 31
    result = stylizer(values.view(1, 3, _PROBE, _PROBE))
    return [round(value, 3) for value in result.flatten().tolist()]


def _run(program: Path, tried: list[float]) -> dict[str, Any]:
    content = program.read_bytes()
    version = hashlib.sha256(content).hexdigest()[:16]
    address = f"styles/{program.name}?{version}"
    return {"address": address, "bytes": len(content), "probe": tried}


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


if __name__ == "__main__":
    with report_errors():
        main()
