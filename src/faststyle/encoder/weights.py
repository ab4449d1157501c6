"""Where the loss network's weights come from: torchvision, a file, or a seed."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torchvision.models import get_model_weights

from faststyle.core.errors import UserError
from faststyle.core.torch_files import read_torch

_SUPPLY = "pass encoder.weights=/path/to/weights.pth, or encoder.weights=random"


#: Statistics of ImageNet's RGB pixels in [0, 1], which torchvision's VGG weights expect.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def load_weights(
    features: nn.Sequential, arch: str, source: str, seed: int
) -> tuple[Tensor, Tensor]:
    """Fill ``features`` (on the meta device) from ``imagenet``, ``random`` or a file's path.

    Returns the mean and standard deviation, (3,) each, of the pixels in [0, 1] that the weights
    expect: those in the file under ``mean`` and ``std``, else ImageNet's.

    Raises ``UserError`` if the weights cannot be downloaded, read, or do not fit the architecture.
    """
    given: Mapping[str, Tensor] = {}
    if source == "random":
        state = random_state(features, seed)
    elif source == "imagenet":
        state = _select(_download(arch), features, f"torchvision's weights for {arch}")
    else:
        path = Path(source).expanduser()
        given = read_state(path)
        state = _select(given, features, f"{path} (for {arch})")
    features.load_state_dict(state, strict=False, assign=True)
    return _three(given, "mean", IMAGENET_MEAN), _three(given, "std", IMAGENET_STD)


def random_state(features: nn.Sequential, seed: int) -> dict[str, Tensor]:
    """Weights that keep the variance of activations from layer to layer (He et al., 2015).

    Zero-mean normal with variance 2 / fan_in; biases zero; batch norms the identity.
    """
    generator = torch.Generator().manual_seed(seed)
    state: dict[str, Tensor] = {}
    for name, value in features.state_dict().items():
        if value.dim() == 4:
            deviation = (2 / value[0].numel()) ** 0.5
            state[name] = torch.randn(value.shape, generator=generator) * deviation
        elif name.endswith(("running_var", "weight")):
            state[name] = torch.ones(value.shape)
        else:
            state[name] = torch.zeros(value.shape, dtype=value.dtype)
    return state


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a ``.pth`` or ``.safetensors`` state dict without running any code it may carry.

    Raises ``UserError`` if the file is missing, is no such file, or would run code.
    """
    if not path.is_file():
        raise UserError(f"no such weights file: {path}")
    if path.suffix == ".safetensors":
        try:
            return safetensors.torch.load_file(path)
        except safetensors.SafetensorError:
            raise UserError(f"{path} is not a readable safetensors file (truncated?)") from None
    state: Mapping[str, object] = read_torch(path)
    inner = state.get("state_dict")
    if isinstance(inner, Mapping):
        state = inner
    return {str(key): value for key, value in state.items() if isinstance(value, Tensor)}


def _download(arch: str) -> dict[str, Tensor]:
    weights = get_model_weights(arch)["IMAGENET1K_V1"]
    try:
        state: dict[str, Tensor] = weights.get_state_dict(
            progress=True, check_hash=True, weights_only=True
        )
    except (URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise UserError(f"cannot download {weights.url} ({reason}): {_SUPPLY}") from None
    except (RuntimeError, EOFError, pickle.UnpicklingError):
        # The hash is checked on arrival only; a file that broke later fails when it is read.
        raise UserError(
            f"the download of {weights.url} is damaged; remove it from {torch.hub.get_dir()}"
            f" and try again, or {_SUPPLY}"
        ) from None
    return state


def _three(given: Mapping[str, Tensor], name: str, default: tuple[float, float, float]) -> Tensor:
    value = given.get(name)
    return torch.tensor(default) if value is None or value.shape != (3,) else value.float()


def _select(state: Mapping[str, Tensor], features: nn.Sequential, origin: str) -> dict[str, Tensor]:
    """The entries that ``features`` needs, as float32, with the prefix ``features.`` cut off."""
    plain = {key.removeprefix("features."): value for key, value in state.items()}
    selected: dict[str, Tensor] = {}
    for name, expected in features.state_dict().items():
        if name.endswith("num_batches_tracked"):
            selected[name] = torch.zeros(expected.shape, dtype=expected.dtype)
            continue
        if name not in plain:
            raise UserError(f'{origin}: key "features.{name}" is missing; is it another network?')
        if plain[name].shape != expected.shape:
            found, needed = tuple(plain[name].shape), tuple(expected.shape)
            raise UserError(f'{origin}: "features.{name}" has shape {found}, not {needed}')
        selected[name] = plain[name].float()
    return selected
