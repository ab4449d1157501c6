"""What the page of ``web/`` needs of styles: programs for the browser, and what each looks like."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faststyle.apps.sample import sample_address
from faststyle.checkpoints import TrainedStyle, load_style
from faststyle.checkpoints.export import export
from faststyle.core.atomic import atomic_write
from faststyle.inference.stylizer import Stylizer


def write_programs(files: Sequence[Path], folder: Path) -> list[Path]:
    """Export each file of one or several styles to ``folder``, with a list of what there is.

    Of several styles the mixture is an input. The list, ``styles.json``, has for each program its
    name, ``weights``: how many numbers that input has, 0 without one, and ``styles``: for each
    painting its name, its ``place`` in that input, and a sample as an address that holds the
    picture. Of a painting at several sizes it has the usual one.

    Args:
        files: of styles.
        folder: it, too, is made if need be.

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
        export(style, program, pixels="float")
        programs.append(program)
        listed.append({"name": file.stem, **_described(style)})
    with atomic_write(folder / "styles.json") as temporary:
        temporary.write_text(json.dumps(listed))
    return programs


def _described(style: TrainedStyle) -> dict[str, Any]:
    labels = style.metadata.labels()
    names = style.metadata.names()
    if not names:
        alone = sample_address(Stylizer(style, device="cpu"))
        return {"weights": 0, "styles": [{"name": style.name, "place": 0, "sample": alone}]}
    stylizer = Stylizer(style, device="cpu", mix={names[0]: 1})
    shown = []
    for name in names:
        stylizer.mix({name: 1})
        sample = sample_address(stylizer)
        shown.append({"name": name, "place": labels.index(name), "sample": sample})
    return {"weights": len(labels), "styles": shown}
