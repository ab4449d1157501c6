"""``faststyle export --ckpt starry_night --format onnx``: styles for other runtimes."""

import re
from pathlib import Path
from typing import Annotated

from faststyle.cli.arguments import Style
from faststyle.core.errors import UserError
from faststyle.core.limits import OneOf

Sizes = str | tuple[int, int]


def _sizes(text: str) -> Sizes:
    if text in ("any", "multiple4"):
        return text
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not found:
        raise UserError(f'--sizes "{text}" must be any, multiple4, or like 512x768: height x width')
    return int(found[1]), int(found[2])


def export(
    *,
    ckpt: Style,
    format: Annotated[str, "onnx, torch, openvino, executorch, litert, coreml, ncnn, mnn"] = "onnx",
    output: Annotated[Path | None, "default: NAME.onnx or the like"] = None,
    pixels: Annotated[str, "0 to 255, or 0 to 1", OneOf(("bytes", "float"))] = "bytes",
    sizes: Annotated[
        Sizes | None,
        "of pictures: any; multiple4, for sides in multiples of 4; or one HxW, in these, too",
        _sizes,
        {"metavar": "SIZES"},
    ] = None,
    half: Annotated[bool, "float16; half the size"] = False,
    int8: Annotated[bool, "8 bits; a quarter of the size"] = False,
    photos: Annotated[
        Path | None, "int8: a folder to calibrate with; default: drawn pictures"
    ] = None,
    mixable: Annotated[
        bool, "a file of several styles: the weight of each is a second input"
    ] = False,
    opset: Annotated[int | None, "ONNX: an older version of its operators"] = None,
    ir_version: Annotated[int | None, "ONNX: an older version of its files"] = None,
) -> None:
    """Write the model, and say how far it is from the network."""
    # Imported late: --help should not wait for torch.
    from faststyle.core.atomic import check_target
    from faststyle.data.calibration import calibration_photos
    from faststyle.export import BACKENDS, ExportOptions
    from faststyle.styles import find_style, load_style, open_style
    from faststyle.styles.catalog import label
    from faststyle.styles.exporting import export

    if photos and not int8:
        raise UserError("--photos is for --int8")
    backend = BACKENDS.build(format)
    output = output or Path(label(ckpt).replace(":", "_") + backend.suffix)
    if output.suffix != backend.suffix:
        raise UserError(f"--output {output}: --format {format} writes {backend.suffix}")
    found = find_style(ckpt)
    for path in backend.files(output):
        check_target(path, [found.path])
    style = load_style(found.path) if mixable else open_style(ckpt)
    if mixable and not style.metadata.styles:
        raise UserError(f"--mixable: {ckpt} is a file of one style")
    calibration = calibration_photos(photos) if int8 else ()
    options = ExportOptions(pixels, half, int8, sizes, opset, ir_version, calibration)
    options = backend.check_options(options, len(style.metadata.styles))
    difference = export(style, output, format, options)
    megabytes = sum(path.stat().st_size for path in _files(backend.files(output))) / 1e6
    told = backend.unavailable_reason if difference is None else str(difference)
    print(f"{output}: {megabytes:.1f} MB, {told}")
    if options.size:
        print(f"It takes one picture at a time, of {options.size[1]} x {options.size[0]} pixels.")


def _files(written: tuple[Path, ...]) -> list[Path]:
    """Those in folders, too, as which some formats are written."""
    inside = [each for path in written if path.is_dir() for each in path.rglob("*")]
    return [path for path in (*written, *inside) if path.is_file()]
