"""faststyle's own format: a safetensors file with metadata."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from faststyle import __version__
from faststyle.core.atomic import atomic_write
from faststyle.core.errors import UserError
from faststyle.networks import TransformNetwork

FORMAT_VERSION = 1


@dataclass(frozen=True)
class TrainedStyle:
    """A transform network and what is known of it.

    ``facts`` are texts: ``style`` (its name), ``style_sha256``, ``title``, ``artist``, ``year``,
    ``licence``, ``loss`` and ``encoder`` (JSON), ``steps``, ``version`` of faststyle.
    """

    network: TransformNetwork
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The style's name, ``styled`` if the file does not say; safe as part of a file's name."""
        return name_of(self.facts)


def name_of(facts: Mapping[str, str]) -> str:
    """The name of the style that ``facts`` tell of; see :attr:`TrainedStyle.name`."""
    return re.sub(r"[^\w.-]", "_", facts.get("style", "")).strip(".") or "styled"


def network_facts(network: TransformNetwork) -> dict[str, str]:
    """The facts that rebuild ``network``, and which faststyle wrote them."""
    return {"network": json.dumps(network.options), "version": __version__}


def write_style(style: TrainedStyle, path: Path, half: bool = True) -> None:
    """Write ``style`` atomically; ``half`` stores float16 (3.4 MB for the default network).

    Raises ``UserError`` if a weight is not finite or too large for float16.
    """
    dtype = torch.float16 if half else torch.float32
    tensors = {
        name: (value.to(dtype) if value.is_floating_point() else value).contiguous().cpu()
        for name, value in style.network.state_dict().items()
    }
    for name, value in tensors.items():
        if not torch.isfinite(value).all():
            raise UserError(f"{path} is not written: weight {name} is not finite")
    metadata = {
        **style.facts,
        **network_facts(style.network),
        "format": "faststyle",
        "format_version": str(FORMAT_VERSION),
    }
    content = safetensors.torch.save(tensors, metadata)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def read_style(path: Path) -> TrainedStyle:
    """Read what :func:`write_style` wrote, as float32 on the CPU.

    Raises ``UserError`` if the file is truncated, foreign, of a newer format, or its tensors do
    not fit the network that it describes.
    """
    with _opened(path) as file:
        facts = _facts(file, path)
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return TrainedStyle(build_network(facts.get("network", ""), tensors, path), facts)


def read_facts(path: Path) -> dict[str, str]:
    """What a style file says of itself, without reading its weights.

    Raises ``UserError`` as :func:`read_style` does.
    """
    with _opened(path) as file:
        return _facts(file, path)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safetensors.safe_open(path, "pt") as file:
            yield file
    except (safetensors.SafetensorError, OSError):
        raise UserError(f"{path} is not a readable safetensors file (truncated?)") from None


def _facts(file: Any, path: Path) -> dict[str, str]:
    facts: dict[str, str] = file.metadata() or {}
    if facts.get("format") != "faststyle":
        raise UserError(f"{path} is a safetensors file, but not a style trained by faststyle")
    version = facts.get("format_version", "?")
    if version != str(FORMAT_VERSION):
        raise UserError(
            f"{path} has format version {version}; this faststyle reads {FORMAT_VERSION}: upgrade"
        )
    return facts


def build_network(options: str, tensors: Mapping[str, Tensor], path: Path) -> TransformNetwork:
    """The network of ``options`` (JSON) with ``tensors`` as weights; ``path`` is for errors.

    Nothing is allocated before the shapes agree. Raises ``UserError`` if they do not, or if a
    weight is not finite.
    """
    try:
        with torch.device("meta"):
            network = TransformNetwork(**json.loads(options))
    except json.JSONDecodeError:
        raise UserError(f"{path} does not describe its network") from None
    except (TypeError, UserError) as error:
        reason = f": {error}" if isinstance(error, UserError) else ""
        raise UserError(f"{path} describes a network that is not known here{reason}") from None
    expected = network.state_dict()
    if expected.keys() != tensors.keys():
        odd = sorted(expected.keys() ^ tensors.keys())[0]
        raise UserError(f'{path} does not fit the network it describes (key "{odd}")')
    weights = {}
    for name, value in tensors.items():
        if value.shape != expected[name].shape:
            raise UserError(
                f'{path}: "{name}" has shape {tuple(value.shape)}, '
                f"not {tuple(expected[name].shape)}"
            )
        weights[name] = value.to(expected[name].dtype)
        if not torch.isfinite(weights[name]).all():
            raise UserError(f'{path}: weight "{name}" is not finite')
    network.load_state_dict(weights, assign=True)
    return network.requires_grad_(False).eval()
