"""faststyle's own format: a safetensors file with metadata."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from faststyle.core.atomic import atomic_write
from faststyle.core.errors import UserError
from faststyle.core.names import readable_name
from faststyle.core.registry import Description
from faststyle.core.torch_files import is_plain
from faststyle.networks import NETWORKS
from faststyle.styles.metadata import StyleMetadata

FORMAT_VERSION = 1
_FORMAT = "faststyle"


@dataclass(frozen=True)
class TrainedStyle:
    """A transform network, or an exported model of one, and what is known of it."""

    network: nn.Module
    metadata: StyleMetadata = field(default_factory=StyleMetadata)

    @property
    def name(self) -> str:
        """See :attr:`StyleMetadata.name`."""
        return self.metadata.name


def write_style(style: TrainedStyle, path: Path, half: bool = True) -> None:
    """Write ``style`` atomically; ``half`` stores float16 (3.4 MB for the default network).

    Raises ``UserError`` if a weight is not finite or too large for float16, or if the network is
    not registered.
    """
    dtype = torch.float16 if half else torch.float32
    tensors = {}
    for name, value in style.network.state_dict().items():
        kept = value.to(dtype) if value.is_floating_point() else value
        tensors[name] = kept.contiguous().cpu()
        if not torch.isfinite(tensors[name]).all():
            raise UserError(f"{path} is not written: weight {name} is not finite")
    metadata = style.metadata.of_network(style.network).write()
    metadata |= {"format": _FORMAT, "format_version": str(FORMAT_VERSION)}
    content = canonical(safetensors.torch.save(tensors, metadata))
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def canonical(content: bytes) -> bytes:
    """The same safetensors file with its header in one order: equal styles are equal bytes.

    safetensors writes metadata in the order of a hash table, which differs from call to call.
    """
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8:start]), sort_keys=True, separators=(",", ":"))
    header += " " * (-len(header.encode()) % 8)  # tensors stay aligned
    return len(header.encode()).to_bytes(8, "little") + header.encode() + content[start:]


def read_style(path: Path) -> TrainedStyle:
    """Read what :func:`write_style` wrote, as float32 on the CPU.

    Raises ``UserError`` if the file is truncated, foreign, of a newer format, or its tensors do
    not fit the network that it describes.
    """
    return parse_style(*parse_safetensors(path.read_bytes(), path), path)


def parse_safetensors(content: bytes, path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The metadata and the tensors of a file of anybody's; ``path`` is for errors.

    Raises ``UserError`` if it is truncated.
    """
    try:
        tensors = dict(sorted(safetensors.torch.load(content).items()))  # files have no order
        end = 8 + int.from_bytes(content[:8], "little")
        texts = json.loads(content[8:end]).get("__metadata__")
    except Exception:  # safetensors and torch trip over damage in several ways
        raise _unreadable(path) from None
    return texts or {}, tensors


def is_style(texts: Mapping[str, str]) -> bool:
    """Whether a safetensors file says that it is of faststyle."""
    return texts.get("format") == _FORMAT


def parse_style(
    texts: Mapping[str, str], tensors: Mapping[str, Tensor], path: Path
) -> TrainedStyle:
    """See :func:`read_style`; of what :func:`parse_safetensors` gave."""
    metadata = _parse_own_metadata(texts, path)
    return TrainedStyle(restore_network(metadata.network, tensors, path), metadata)


def read_metadata(path: Path) -> StyleMetadata:
    """What a style file says of itself, without reading its weights.

    Raises ``UserError`` as :func:`read_style` does.
    """
    try:
        with readable_name(path) as name, safetensors.safe_open(name, "pt") as file:
            texts: Mapping[str, str] = file.metadata() or {}
    except (safetensors.SafetensorError, OSError):
        raise _unreadable(path) from None
    return _parse_own_metadata(texts, path)


def _parse_own_metadata(texts: Mapping[str, str], path: Path) -> StyleMetadata:
    if not is_style(texts):
        raise UserError(f"{path} is a safetensors file, but not a style trained by faststyle")
    version = texts.get("format_version", "?")
    if version != str(FORMAT_VERSION):
        raise UserError(
            f"{path} has format version {version}; this faststyle reads {FORMAT_VERSION}: upgrade"
        )
    return parse_metadata(texts, path)


def _unreadable(path: Path) -> UserError:
    return UserError(f"{path} is not a readable safetensors file (truncated?)")


def parse_metadata(texts: Mapping[str, str], path: Path) -> StyleMetadata:
    """:meth:`StyleMetadata.read`, whose ``UserError`` then names the file."""
    try:
        metadata = StyleMetadata.read(texts)
        metadata.check_styles()
        return metadata
    except UserError as error:
        raise UserError(f"{path} {error}") from None


def restore_network(
    description: Description | None, tensors: Mapping[str, Tensor], path: Path
) -> nn.Module:
    """The network of ``description`` with ``tensors`` as weights; ``path`` is for errors.

    Nothing is allocated before the shapes agree. Raises ``UserError`` if they do not, or if a
    weight is not finite.
    """
    if description is None:
        raise UserError(f"{path} does not describe its network")
    try:
        with torch.device("meta"):
            network = NETWORKS.build(description.name, **description.options)
    except (UserError, TypeError) as error:
        raise UserError(f"{path} describes a network that is not known here: {error}") from None
    expected = network.state_dict()
    if expected.keys() != tensors.keys():
        odd = sorted(expected.keys() ^ tensors.keys())[0]
        raise UserError(f'{path} does not fit the network it describes (key "{odd}")')
    weights = {}
    for name, value in tensors.items():
        if not is_plain(value) or value.is_floating_point() != expected[name].is_floating_point():
            raise UserError(f'{path}: weight "{name}" is no plain tensor (sparse, meta, integer?)')
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
