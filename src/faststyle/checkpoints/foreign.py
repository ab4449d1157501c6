"""Files of other projects: converted where the network is ours under other names, else named."""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from faststyle.checkpoints.metadata import StyleMetadata
from faststyle.checkpoints.style_file import TrainedStyle, restore_network
from faststyle.core.errors import UserError
from faststyle.networks import NetworkDescription

#: Where projects keep the weights inside of what they save.
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network")

_STAGES = {
    "conv1.conv2d": "stem.0",
    "in1": "stem.1",
    "conv2.conv2d": "down1.0",
    "in2": "down1.1",
    "conv3.conv2d": "down2.0",
    "in3": "down2.1",
    "deconv1.conv2d": "up1.1",
    "in4": "up1.2",
    "deconv2.conv2d": "up2.1",
    "in5": "up2.2",
    "deconv3.conv2d": "head",
}
#: abhiskk's instance norm has other names for its weight and bias.
_LEAVES = {"scale": "weight", "shift": "bias"}

#: A key that only files of that project have, and what they are.
_NAMED = {
    r"up3\.conv2d\.weight": "of gordicaleksa's pytorch-neural-style-johnson",
    r"ConvBlock\.\d+\.conv_layer\.weight": "of rrmina's fast-neural-style-pytorch",
    r"(gram|.*\.gram)\.weight|model1\..*": "of MSG-Net",
    r"features\.\d+\.weight": "of a VGG: pass it as encoder.weights=",
    r"layer1\.0\.conv1\.weight": "of a ResNet",
    r"\d+\.weight": "of a plain row of layers, as AdaIN's decoder is",
}


def read_foreign(content: Mapping[str, object], path: Path) -> TrainedStyle:
    """A style of pytorch/examples' fast_neural_style, or of abhiskk's, its ancestor.

    Both have our network under other names, in any width and depth, made for pixels in [0, 255]:
    the range is folded into the weights. abhiskk's takes and gives blue first, which is folded in,
    too.

    Raises ``UserError`` for anything else, named if it is known.
    """
    state = _unwrap(content)
    if "deconv3.conv2d.weight" not in state:
        raise UserError(f"{path} is {_kind(state)}")
    tensors = {
        _our_name(key): value.float()
        for key, value in state.items()
        # Files of before PyTorch 0.4.1 hold running statistics that instance norm never used.
        if not re.search(r"running_(mean|var)|num_batches", key)
    }
    first, last = tensors.get("stem.0.weight"), tensors.get("head.weight")
    bias = tensors.get("head.bias")
    shapes = [None if each is None else each.dim() for each in (first, last, bias)]
    if first is None or last is None or bias is None or shapes != [4, 4, 1]:
        raise UserError(f"{path} lacks the first or the last layer of its network")
    blue_first = "in1.scale" in state
    order = [2, 1, 0] if blue_first and first.shape[1] == len(last) == 3 else slice(None)
    tensors["stem.0.weight"] = first[:, order] * 255
    tensors["head.weight"] = last[order] / 255
    tensors["head.bias"] = bias[order] / 255
    blocks = {key.split(".")[1] for key in tensors if key.startswith("blocks.")}
    options = {"width": len(first), "blocks": len(blocks), "output": "linear"}
    description = NetworkDescription("johnson", options)
    network = restore_network(description, tensors, path)
    origin = "abhiskk/fast-neural-style" if blue_first else "pytorch/examples"
    return TrainedStyle(network, StyleMetadata(path.stem, origin=origin, network=description))


def refuse_program(path: Path) -> None:
    """Raise ``UserError`` for programs that PyTorch wrote: they hold code."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:  # no archive, or damaged in one of many ways: reading it says so
        return
    if path.suffix == ".pt2" or any(name.endswith("/archive_format") for name in names):
        raise UserError(f"{path} is an exported program: pass the checkpoint it was made from")
    if any("/code/" in name for name in names):
        raise UserError(f"{path} is a TorchScript program, which holds code: it is not run")


def _unwrap(content: Mapping[str, object]) -> dict[str, Tensor]:
    """The weights alone, without what is saved around them or in front of their names."""
    for key in _WRAPPERS:
        inner = content.get(key)
        if isinstance(inner, Mapping):
            return _unwrap({str(name): value for name, value in inner.items()})
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    # nn.DataParallel's, and torch.compile's.
    return {re.sub(r"^(module\.|_orig_mod\.)+", "", key): value for key, value in tensors.items()}


def _kind(state: Mapping[str, Tensor]) -> str:
    for pattern, name in _NAMED.items():
        if any(re.fullmatch(pattern, key) for key in state):
            return f"a file {name}; it cannot be applied here"
    return (
        "no style that is known here: neither trained by faststyle"
        " nor by pytorch/examples' fast_neural_style"
    )


def _our_name(key: str) -> str:
    module, _, leaf = key.rpartition(".")
    leaf = _LEAVES.get(leaf, leaf)
    block = re.fullmatch(r"res(\d+)\.(?:(conv[12])\.conv2d|in([12]))", module)
    if block:
        part = block[2] or f"norm{block[3]}"
        return f"blocks.{int(block[1]) - 1}.{part}.{leaf}"
    return f"{_STAGES.get(module, module)}.{leaf}"
