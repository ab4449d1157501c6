"""The command line of a function, which follows from its signature.

Parameters behind ``*`` are flags, others are arguments; a dataclass of options stands for flags of
its fields. An annotation holds, beside the type, the help; a limit, whose choices are shown; a
function that reads a value; a mapping of what else argparse is told; or, of options, a tuple of the
fields that there are flags of.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin

from faststyle.core.errors import UserError
from faststyle.core.limits import Kind, OneOf, Options, find_problem, split
from faststyle.stylize.options import PRECISIONS

STYLE = (
    "a style's name, file or address (.safetensors, .ckpt, .pth, .onnx; s3://...), or"
    " hf:owner/name on the Hugging Face Hub; of several in one file"
    " gallery:starry_night=0.6,the_scream=0.4"
)
Style = Annotated[str, STYLE]
Styles = Annotated[list[str] | None, "styles; default: all that have names"]
Device = Annotated[str, "auto, cpu, cuda, cuda:1, mps"]
Precision = Annotated[str, "bits; auto: bf16 where that is fast", OneOf(PRECISIONS)]


def add_arguments(parser: ArgumentParser, function: Callable[..., object]) -> None:
    """An argument for each parameter of ``function``."""
    for parameter in _parameters(function):
        name, settings = parameter.name, _settings(parameter)
        if parameter.kind is Parameter.KEYWORD_ONLY:
            name = f"--{name.replace('_', '-')}"
            settings["required"] = parameter.default is Parameter.empty
        parser.add_argument(name, **settings)


def call(function: Callable[..., object], args: Namespace) -> None:
    """Call ``function`` by what :func:`add_arguments` has parsed for it.

    Raises ``UserError`` for a value beyond the limit in its annotation, and what the function does.
    """
    bound, given = signature(function).bind_partial(), vars(args)
    for name, parameter in bound.signature.parameters.items():
        kind = getattr(parameter.annotation, "__origin__", parameter.annotation)
        value = given[name] if name in given else read_options(kind, args)
        if value is not None and (problem := find_problem(parameter.annotation, value)):
            raise UserError(f"--{name.replace('_', '-')} is {problem}")
        bound.arguments[name] = value
    function(*bound.args, **bound.kwargs)


def read_options(kind: type[Kind], args: Namespace) -> Kind:
    """The options whose fields arguments are called like.

    Raises ``UserError``, which names the flag.
    """
    try:
        return split(kind, vars(args))
    except UserError as error:
        name, _, problem = str(error).partition(" ")
        raise UserError(f"--{name.replace('_', '-')} {problem}") from None


def _parameters(function: Callable[..., object]) -> list[Parameter]:
    """Those of ``function``, with the fields of options in their place."""
    found = []
    for parameter in signature(function).parameters.values():
        kind = getattr(parameter.annotation, "__origin__", parameter.annotation)
        if not (isinstance(kind, type) and issubclass(kind, Options)):
            found.append(parameter)
            continue
        chosen = getattr(parameter.annotation, "__metadata__", ((),))[0]
        fields = signature(kind).parameters.values()
        own = [field for field in fields if not chosen or field.name in chosen]
        found += [field.replace(kind=Parameter.KEYWORD_ONLY) for field in own]
    return found


def _settings(parameter: Parameter) -> dict[str, Any]:
    """What argparse is told of a parameter."""
    notes = getattr(parameter.annotation, "__metadata__", ())
    kind = parameter.annotation.__origin__ if notes else parameter.annotation
    is_set = parameter.default is not Parameter.empty
    settings = {"default": parameter.default} if is_set else {}
    settings |= {"action": "store_true"} if parameter.default is False else _reading(kind)
    if parameter.kind is Parameter.VAR_POSITIONAL:
        settings["nargs"] = "*"
    for note in notes:
        if isinstance(note, str):
            settings["help"] = note
        elif isinstance(note, OneOf):
            settings["choices"] = note.choices
        elif isinstance(note, Mapping):
            settings |= note
        elif callable(note):
            settings |= {"type": note, "nargs": None}
    return settings


def _reading(kind: Any) -> dict[str, Any]:
    """How many values of which type, of ``int | None``, ``int | str``, ``list[str]``."""
    members = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    first, *others = (each for each in members if each is not NoneType)
    if get_origin(first) in (list, Sequence):
        return {"type": get_args(first)[0], "nargs": "+"}
    return {"type": _int_or_text if others else first}


def _int_or_text(text: str) -> int | str:
    return int(text) if text.isdecimal() else text
