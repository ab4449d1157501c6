"""Arguments that several commands share."""

from argparse import ArgumentParser


def add_style(parser: ArgumentParser, required: bool = True) -> None:
    """``--ckpt``: one style."""
    parser.add_argument(
        "--ckpt",
        required=required,
        help="a style's name, file or address (.safetensors, .ckpt, .pth, .onnx; s3://...), or"
        " hf:owner/name on the Hugging Face Hub; of several in one file"
        " gallery:starry_night=0.6,the_scream=0.4",
    )


def add_styles(parser: ArgumentParser) -> None:
    """``--ckpt``: any number of styles."""
    parser.add_argument("--ckpt", nargs="+", help="styles; default: all that have names")


def add_device(parser: ArgumentParser) -> None:
    """``--device``: what to compute on."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")


def add_precision(parser: ArgumentParser) -> None:
    """``--precision``: how exactly to compute."""
    parser.add_argument(
        "--precision",
        default="auto",
        choices=("auto", "32", "bf16", "16"),
        help="bits; auto: bf16 where that is fast",
    )


def add_files(parser: ArgumentParser, tile: str) -> None:
    """What of pictures and clips is read and how it is written; ``tile``: help of ``--tile``."""
    parser.add_argument("--tile", type=_tile, default="auto", help=tile)
    parser.add_argument(
        "--max-pixels", type=int, help="refuse larger results; 16 million, or 178 with --tile"
    )
    parser.add_argument("--start", type=_seconds, default=0.0, help="clips: 12.5 or 1:02:03")
    parser.add_argument("--end", type=_seconds, help="clips: likewise; default: their end")
    parser.add_argument("--quality", type=int, help="JPEG, WebP, clips: 1 to 100")
    parser.add_argument("--lossless", action="store_true", help="WebP: keep every pixel")
    parser.add_argument(
        "--bit-depth",
        type=int,
        choices=(8, 10, 16),
        help="PNG, TIFF: 16; default: the photo's; clips: 10 keeps high dynamic range",
    )


def _tile(text: str) -> str | int:
    return int(text) if text.isdecimal() else text


def _seconds(text: str) -> float:
    """Of 12.5, 1:02.5 or 1:02:03."""
    seconds = 0.0
    for part in text.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds
