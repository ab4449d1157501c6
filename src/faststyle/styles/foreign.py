"""Files of other projects: converted where the network is ours under other names, else named."""

import logging
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError
from faststyle.core.registry import Description
from faststyle.images.pixels import IMAGENET_MEAN, IMAGENET_STD
from faststyle.styles.metadata import StyleMetadata
from faststyle.styles.style_file import TrainedStyle, restore_network

log = logging.getLogger(__name__)

_BLOCKS = 64  # at most
Triple = tuple[float, float, float]
#: Our layers, each a convolution and its norm; those that enlarge have them behind the resizing.
_LAYERS = "stem.0 stem.1 down1.0 down1.1 down2.0 down2.1 up1.{0} up1.{1} up2.{0} up2.{1} head"


@dataclass(frozen=True)
class _Project:
    """How a project calls the layers of our network, and what pixels are to it.

    ``layers``: in the order of :data:`_LAYERS`. ``block_conv`` and ``block_norm``: of blocks, which
    are counted from ``first_block``. A pixel in [0, 1] is to it less ``mean``, by ``std``.
    """

    name: str
    layers: str
    block_conv: str = "res{block}.conv{part}.conv2d"
    block_norm: str = "res{block}.in{part}"
    first_block: int = 1
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1 / 255, 1 / 255, 1 / 255)
    blue_first: bool = False
    upsample: str = "resize"

    @property
    def head(self) -> str:
        """The last layer."""
        return self.layers.split()[-1]

    def names(self) -> dict[str, str]:
        """What our layers are, by the project's names of them."""
        ours = _LAYERS.format(*((1, 2) if self.upsample == "resize" else (0, 1)))
        names = dict(zip(self.layers.split(), ours.split(), strict=True))
        for block, part in product(range(_BLOCKS), (1, 2)):
            place = {"block": block + self.first_block, "part": part}
            names[self.block_conv.format(**place)] = f"blocks.{block}.conv{part}"
            names[self.block_norm.format(**place)] = f"blocks.{block}.norm{part}"
        return names


_EXAMPLES = _Project(
    "pytorch/examples",
    "conv1.conv2d in1 conv2.conv2d in2 conv3.conv2d in3"
    " deconv1.conv2d in4 deconv2.conv2d in5 deconv3.conv2d",
)
_ABHISKK = replace(_EXAMPLES, name="abhiskk/fast-neural-style", blue_first=True)
_GORDICALEKSA = _Project(
    "gordicaleksa/pytorch-neural-style-transfer-johnson",
    "conv1.conv2d in1 conv2.conv2d in2 conv3.conv2d in3"
    " up1.conv2d.conv2d in4 up2.conv2d.conv2d in5 up3.conv2d",
    mean=IMAGENET_MEAN,
    std=IMAGENET_STD,
)
_RRMINA = _Project(
    "rrmina/fast-neural-style-pytorch",
    "ConvBlock.0.conv_layer ConvBlock.0.norm_layer ConvBlock.2.conv_layer ConvBlock.2.norm_layer"
    " ConvBlock.4.conv_layer ConvBlock.4.norm_layer DeconvBlock.0.conv_transpose"
    " DeconvBlock.0.norm_layer DeconvBlock.2.conv_transpose DeconvBlock.2.norm_layer"
    " DeconvBlock.4.conv_layer",
    "ResidualBlock.{block}.conv{part}.conv_layer",
    "ResidualBlock.{block}.conv{part}.norm_layer",
    first_block=0,
    blue_first=True,
    upsample="transposed",
)
_PROJECTS = (_EXAMPLES, _GORDICALEKSA, _RRMINA)  # and abhiskk's, by other leaves
#: abhiskk's instance norm has other names for its weight and bias.
_LEAVES = {"scale": "weight", "shift": "bias"}
#: A network that ends in a tanh, of which files say nothing, gives it no larger numbers; one for
#: pixels in [0, 255] that did would paint black.
_OF_TANH = 10.0

#: A key that only files of that project have, and what they are.
_NAMED = {
    r"(C1|DenseBlock\.0)\.conv_layer\.weight": "of rrmina's dense networks",
    r"(gram|.*\.gram)\.weight|model1\..*": "of MSG-Net",
    r"features\.\d+\.weight": "of a VGG: pass it as encoder.weights=",
    r"layer1\.0\.conv1\.weight": "of a ResNet",
    r"\d+\.weight": "of a plain row of layers, as AdaIN's decoder is",
}


def read_foreign(content: Mapping[str, object], path: Path) -> TrainedStyle:
    """A style of a project whose network is ours under other names, in any width and depth.

    These are pytorch/examples' fast_neural_style, abhiskk's, its ancestor, gordicaleksa's and
    rrmina's. What is a pixel to them (its range, and which color comes first) is folded into the
    weights.

    Raises ``UserError`` for anything else, named if it is known.
    """
    state = _unwrap(content, path)
    project = _project_of(state)
    if project is None:
        raise UserError(f"{path} is {_kind(state)}")
    names = project.names()
    tensors = {
        _our_name(key, names): value
        for key, value in state.items()
        # Files of before PyTorch 0.4.1 hold running statistics that instance norm never used.
        if not re.search(r"running_(mean|var)|num_batches", key)
    }
    first = tensors.get("stem.0.weight")
    if first is None or first.dim() != 4:
        raise UserError(f"{path} lacks the first layer of its network")
    blocks = {key.split(".")[1] for key in tensors if key.startswith("blocks.")}
    options: dict[str, Any] = {"width": len(first), "blocks": len(blocks)}
    options |= {"output": "linear", "upsample": project.upsample}
    description = Description("johnson", options)
    network = restore_network(description, tensors, path)
    _fold_pixels(network, project)
    if project is _RRMINA:
        _refuse_other_networks(state, network, path)
        if path.suffix == ".safetensors":  # which sorts what it holds
            log.warning("%s is taken for rrmina's first network: V2 has the same weights", path)
    metadata = StyleMetadata(path.stem, origin=project.name, network=description)
    return TrainedStyle(network, metadata)


def _project_of(state: Mapping[str, Tensor]) -> _Project | None:
    if "in1.scale" in state:
        return _ABHISKK
    return next((each for each in _PROJECTS if f"{each.head}.weight" in state), None)


def _fold_pixels(network: nn.Module, project: _Project) -> None:
    """Make a network take and give RGB in [0, 1] by what its first and last layers compute."""
    keys = [f"{layer}.{leaf}" for layer in ("stem.0", "head") for leaf in ("weight", "bias")]
    state = network.state_dict()
    first, first_bias, last, last_bias = (state[key] for key in keys)
    if project.blue_first:
        first, last, last_bias = first.flip(1), last.flip(0), last_bias.flip(0)
    mean, std = torch.tensor(project.mean), torch.tensor(project.std)
    first = first / std.view(1, 3, 1, 1)
    # Reflected pixels are shifted as all others are.
    first_bias = first_bias - (first * mean.view(1, 3, 1, 1)).sum((1, 2, 3))
    last, last_bias = last * std.view(3, 1, 1, 1), last_bias * std + mean
    folded = dict(zip(keys, (first, first_bias, last, last_bias), strict=True))
    network.load_state_dict(folded, strict=False, assign=True)
    network.requires_grad_(False)


def _refuse_other_networks(state: Mapping[str, Tensor], network: nn.Module, path: Path) -> None:
    """Two of rrmina's networks have the same weights, by name and shape, as the one that is ours.

    Raises ``UserError`` for one that normalizes before convolutions, and for one with a last tanh.
    """
    keys = list(state)
    block = "ResidualBlock.0.conv1"
    if f"{block}.norm_layer.weight" in keys:
        order = [keys.index(f"{block}.{layer}.weight") for layer in ("norm_layer", "conv_layer")]
        if order[0] < order[1]:
            raise UserError(f"{path} is of rrmina's network V2; it cannot be applied here")
    ramp = torch.linspace(0, 1, 64 * 64).view(1, 1, 64, 64).expand(1, 3, 64, 64)
    if network(ramp).abs().max() * 255 < _OF_TANH:
        raise UserError(f"{path} is of rrmina's network with a tanh; it cannot be applied here")


def refuse_torchscript(file: IO[bytes], path: Path) -> None:
    """Raise ``UserError`` for programs that PyTorch wrote: they hold code."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except Exception:  # no archive, or damaged in one of many ways: reading it says so
        return
    finally:
        file.seek(0)
    if path.suffix == ".pt2" or any(name.endswith("/archive_format") for name in names):
        raise UserError(f"{path} is an exported program: pass the checkpoint it was made from")
    if any("/code/" in name for name in names):
        raise UserError(f"{path} is a TorchScript program, which holds code: it is not run")


def _unwrap(content: Mapping[str, object], path: Path) -> dict[str, Tensor]:
    """The weights alone, without what is saved around them or in front of their names."""
    found = list(_mappings(content))
    styles = [state for state in found if _project_of(state)]
    if len(styles) > 1:
        log.warning("%s holds %d networks: the first is taken", path, len(styles))
    return styles[0] if styles else max(found, key=len)


def _mappings(content: Mapping[Any, object]) -> Iterator[dict[str, Tensor]]:
    """The tensors of a mapping, and of those in it, each once: a file may hold one in itself."""
    waiting, seen = [content], set[int]()
    while waiting:
        mapping = waiting.pop(0)
        if id(mapping) in seen:
            continue
        seen.add(id(mapping))
        tensors = {
            # nn.DataParallel's, and torch.compile's.
            re.sub(r"^(module\.|_orig_mod\.)+", "", str(key)): value
            for key, value in mapping.items()
            if isinstance(value, Tensor)
        }
        yield from _without_prefix(tensors)
        waiting += [inner for inner in mapping.values() if isinstance(inner, Mapping)]


def _without_prefix(tensors: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """The weights of networks that were parts of a larger one, as of a module for training."""
    heads = [f".{project.head}.weight" for project in _PROJECTS]
    found = [key.removesuffix(h) + "." for h in heads for key in tensors if key.endswith(h)]
    for prefix in found:
        yield {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    if not found:
        yield tensors


def _kind(state: Mapping[str, Tensor]) -> str:
    for pattern, name in _NAMED.items():
        if any(re.fullmatch(pattern, key) for key in state):
            return f"a file {name}; it cannot be applied here"
    return (
        "no style that is known here: neither trained by faststyle"
        " nor by a project whose network is the same (docs/formats.md lists them)"
    )


def _our_name(key: str, names: Mapping[str, str]) -> str:
    module, _, leaf = key.rpartition(".")
    return f"{names.get(module, module)}.{_LEAVES.get(leaf, leaf)}"
