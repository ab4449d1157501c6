"""What ``hf:owner/name@revision/file.safetensors`` says."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from faststyle.core.errors import UserError

if TYPE_CHECKING:
    from huggingface_hub import HfUri

#: What an address on the Hub begins with, wherever a style may be named.
PREFIX = "hf:"
_FORMS = "write hf:owner/name, hf:owner/name/file.safetensors or hf:owner/name@revision"


def parse_address(given: str) -> HfUri:
    """The repository (``id``), ``revision`` and file (``path_in_repo``) of an address.

    The grammar is that of huggingface_hub's ``hf://`` addresses, whose slashes may be left out: a
    revision is a branch, a tag or a commit, in which a slash is written ``%2F``.

    Raises ``UserError`` for what is no address, no repository of models, or no .safetensors file:
    other files may hold code that runs when they are read.
    """
    from huggingface_hub import parse_hf_uri
    from huggingface_hub.errors import HfUriError

    try:
        address = parse_hf_uri(f"hf://{given.removeprefix(PREFIX).removeprefix('//')}")
    except HfUriError:
        raise UserError(f'"{given}" is no style on the Hub: {_FORMS}') from None
    if address.type != "model":
        raise UserError(f"{given} is a {address.type}: styles are in repositories of models")
    file = address.path_in_repo
    if file and not is_style(file):
        raise UserError(
            f"{given}: only .safetensors files are taken from the Hub, since others may hold code"
        )
    parts = f"{address.revision}/{file}"  # which become parts of paths in the cache
    if {".", ".."} & set(parts.split("/")) or {"\\", ":"} & set(parts):
        raise UserError(f'"{given}" is no style on the Hub: {_FORMS}')
    return address


def is_style(file: str) -> bool:
    """Whether a file of a repository may be fetched, by its name."""
    return PurePosixPath(file).suffix == ".safetensors"
