"""Whatever ``--ckpt`` may name: our own files, Lightning's, and other projects'."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from faststyle.core.errors import UserError, nearest
from faststyle.core.torch_files import begins_like_safetensors, parse_torch
from faststyle.export import is_exported_model
from faststyle.styles.catalog import FoundStyle, find_style, last_of_run, list_styles
from faststyle.styles.exported import read_exported_style
from faststyle.styles.foreign import read_foreign, refuse_torchscript
from faststyle.styles.mixture import check_has_style, choose
from faststyle.styles.style_file import (
    TrainedStyle,
    is_style,
    parse_metadata,
    parse_safetensors,
    parse_style,
    read_metadata,
    restore_network,
)

#: Where a checkpoint of training keeps the style's metadata, and the network's weights.
METADATA_KEY = "faststyle"
_NETWORK = "network."


def load_style(path: Path) -> TrainedStyle:
    """Load a trained style from any supported file; code in a file is never run.

    Supported: ``.safetensors`` of faststyle; Lightning ``.ckpt`` of faststyle's training, or the
    folder of a run, whose last one is taken; files of other projects, ``.pth`` as well as
    ``.safetensors`` (:mod:`faststyle.styles.foreign`).

    Raises ``UserError`` if the file is missing, corrupt, would run code, or is none of these.
    """
    if path.is_dir():
        path = last_of_run(path)
    if not path.is_file():
        if path.exists():
            raise UserError(f"{path} is no file, but a pipe or a device")
        raise UserError(f"no such checkpoint: {path}{_suggest(path)}")
    with path.open("rb") as file:
        start = file.read(9)
        file.seek(0)
        if begins_like_safetensors(start, path):
            texts, tensors = parse_safetensors(file.read(), path)
            is_ours = is_style(texts)
            return parse_style(texts, tensors, path) if is_ours else read_foreign(tensors, path)
        if is_exported_model(path):
            why = "programs are for stylizing; pass the checkpoint it was exported from"
            raise UserError(f"{path}: {why}")
        refuse_torchscript(file, path)
        content = parse_torch(file, path)
    if METADATA_KEY in content and isinstance(content.get("state_dict"), Mapping):
        return _from_lightning(content, path)
    return read_foreign(content, path)


def read_any_style(path: Path) -> TrainedStyle:
    """What a file of a style holds, be it trained or exported. Raises ``UserError`` if none."""
    is_exported = path.suffix != ".safetensors" and is_exported_model(path)
    return read_exported_style(path) if is_exported else load_style(path)


def is_named_after_style(path: Path) -> bool:
    """Whether people name such a file after its style; training calls all its files alike."""
    return path.suffix in (".safetensors", ".pth", ".model") or is_exported_model(path)


def open_style(given: str) -> TrainedStyle:
    """The one style, ready to be applied, that a name, a file or a mixture of a file's styles is.

    See :func:`find_style` for what may be given. Raises ``UserError`` as that and
    :func:`load_style`, or for a file of several styles of which none is chosen.
    """
    found = find_style(given)
    return choose(load_style(found.path), found.mix)


def resolve_styles(given: Sequence[str] | None) -> list[str]:
    """The styles ``given`` by name or file; none means all in the catalog.

    A file of several styles is all of them, ``FILE:NAME`` each. Raises ``UserError`` if one is not
    there, or if there are none.
    """
    if not given and not (given := [style.name for style in list_styles()]):
        raise UserError("no styles here yet: train one, or pass --ckpt the path of a checkpoint")
    chosen: list[str] = []
    for each in given:
        found, names = styles_beside(each)
        chosen += [each] if found.mix or not names else [f"{each}:{name}" for name in names]
    return chosen


def styles_beside(given: str) -> tuple[FoundStyle, tuple[str, ...]]:
    """What ``given`` means, and the names of all styles of that file, if it holds several.

    Raises ``UserError`` as :func:`find_style` does, or if the file cannot be read.
    """
    found = find_style(given)
    path = found.path
    if not path.is_file():
        raise UserError(f"no such checkpoint: {path}")
    if is_exported_model(path):
        return found, ()
    try:
        metadata = read_metadata(path)
    except UserError:  # it is of another kind, or damaged, which is said now
        metadata = load_style(path).metadata
    check_has_style(metadata)
    return found, metadata.names()


def _from_lightning(content: Mapping[str, object], path: Path) -> TrainedStyle:
    given, state = content[METADATA_KEY], content["state_dict"]
    assert isinstance(state, Mapping)
    if not isinstance(given, Mapping):
        raise UserError(f"{path} does not describe its network")
    texts = {str(key): str(value) for key, value in given.items()}
    metadata = parse_metadata(texts | {"steps": str(content.get("global_step", "?"))}, path)
    tensors = {
        str(key).removeprefix(_NETWORK): value
        for key, value in state.items()
        if str(key).startswith(_NETWORK) and isinstance(value, Tensor)
    }
    return TrainedStyle(restore_network(metadata.network, tensors, path), metadata)


def _suggest(path: Path) -> str:
    there = path.parent.iterdir() if path.parent.is_dir() else ()
    names = [each.name for each in there if each.suffix in (".safetensors", ".ckpt", ".pth")]
    return f"; {nearest(path.name, names)}" if names else ""
