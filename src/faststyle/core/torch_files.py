"""Files of PyTorch's own format: written atomically, read without running what they may carry."""

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from faststyle.core.atomic import atomic_write
from faststyle.core.errors import UserError


def write_torch(content: Mapping[str, object], path: Path) -> None:
    """``torch.save`` beside the final name, then rename. Raises ``OSError`` if there is no room."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with atomic_write(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def read_torch(path: Path) -> Mapping[str, object]:
    """The mapping that ``torch.save`` wrote, on the CPU; only tensors and plain values are allowed.

    Raises ``UserError`` if the file is damaged, holds anything else, or no mapping at the top.
    """
    # By its name, torch would tell what it is, or fail to open it.
    with path.open("rb") as file:
        return parse_torch(file, path)


def parse_torch(file: IO[bytes], path: Path) -> Mapping[str, object]:
    """:func:`read_torch`, of a file that is open; ``path`` is for errors."""
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        why = "it is no checkpoint, or holds code beside its weights"
        raise UserError(f"{path} is refused: {why}") from None
    except Exception:  # the reader trips over damage in a dozen different ways
        raise UserError(f"{path} is not a readable checkpoint (truncated or corrupt?)") from None
    if not isinstance(content, Mapping):
        raise UserError(f"{path} holds a {type(content).__name__}, not a checkpoint")
    return content


def is_safetensors(path: Path) -> bool:
    """By what is in a file; an empty or damaged one is what it is called."""
    with path.open("rb") as file:
        return begins_like_safetensors(file.read(9), path)


def begins_like_safetensors(start: bytes, path: Path) -> bool:
    """:func:`is_safetensors`, by the first 9 bytes of the file."""
    return start[8:] == b"{" or (path.suffix == ".safetensors" and not start.startswith(b"PK"))


def is_plain(value: Tensor) -> bool:
    """Whether a tensor of a file is real numbers, one for each element, and all of them there.

    One may also be sparse, nested, quantized or complex, have a shape and no numbers (``meta``), or
    be a few bytes that stand for gigabytes (``expand``).
    """
    odd = value.is_nested or value.is_quantized or value.is_meta or value.is_complex()
    if value.layout != torch.strided or odd:
        return False
    return value.numel() * value.element_size() <= value.untyped_storage().nbytes()
