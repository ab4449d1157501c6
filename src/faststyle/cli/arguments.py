"""Arguments that several commands share, and those that follow from options."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import Field, fields
from types import NoneType
from typing import Any, get_args

from faststyle.core.errors import UserError
from faststyle.core.options import Kind, Options, split
from faststyle.stylize.options import DEFAULT_PRECISION, PRECISIONS


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
        default=DEFAULT_PRECISION,
        choices=PRECISIONS,
        help="bits; auto: bf16 where that is fast",
    )


def add_options(parser: ArgumentParser, kind: type[Options], *names: str) -> None:
    """An argument for each field of ``kind``, or for those of ``names`` alone."""
    for field in fields(kind):
        if names and field.name not in names:
            continue
        given: dict[str, Any] = {"action": "store_true"}
        if field.default is not False:
            kind_of_value = field.metadata.get("parse") or _parser_of(field)
            choices = field.metadata.get("choices")
            given = {"type": kind_of_value, "default": field.default, "choices": choices}
        flag = f"--{field.name.replace('_', '-')}"
        parser.add_argument(flag, help=field.metadata["help"], **given)


def read_options(kind: type[Kind], args: Namespace) -> Kind:
    """The options whose fields arguments are called like.

    Raises ``UserError``, which names the flag.
    """
    try:
        return split(kind, vars(args))
    except UserError as error:
        name, _, problem = str(error).partition(" ")
        raise UserError(f"--{name.replace('_', '-')} {problem}") from None


def _parser_of(field: Field[Any]) -> Callable[[str], Any]:
    """What reads a value of a field's type: ``int | None``, ``int | str``, or one alone."""
    first, *others = get_args(field.type) or (field.type,)
    is_one = all(kind is NoneType for kind in others)
    return first if is_one else lambda text: int(text) if text.isdecimal() else text
