"""Where the loss network's weights come from: torchvision, a file, or a seed."""

import logging
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torchvision.models import get_model_weights

from faststyle.core.errors import UserError
from faststyle.core.names import readable_name
from faststyle.core.torch_files import is_plain, is_safetensors, read_torch
from faststyle.encoder.activations import check_activations
from faststyle.encoder.author_files import read_author_file, read_normalized
from faststyle.encoder.pixels import PixelConvention, Triple, given_pixels, recognize

log = logging.getLogger(__name__)

_SUPPLY = "pass encoder.weights=/path/to/weights.pth, or encoder.weights=random"


def he_initialize(network: nn.Module, generator: torch.Generator | None = None) -> None:
    """Weights that keep the variance of activations from layer to layer (He et al., 2015).

    Zero-mean normal with variance 2 / fan_in; biases zero; batch norms the identity.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            assert module.bias is not None
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_parameters()


def load_weights(
    features: nn.Sequential, arch: str, source: str, seed: int, pixels: Mapping[str, object]
) -> tuple[Triple, Triple]:
    """Fill ``features`` (on the meta device) from ``imagenet``, ``random`` or a file's path.

    Returns the mean and standard deviation, 3 each, of the RGB pixels in [0, 1] that the weights
    then expect: what ``pixels`` says (:class:`PixelConvention`), else the file itself under
    ``mean`` and ``std``, else what is known of it, else ImageNet's. Weights for BGR are turned.

    Raises ``UserError`` if the weights cannot be downloaded, read, or do not fit the architecture.
    """
    known, entries = PixelConvention(), dict[str, Any]()
    if source == "random":
        he_initialize(features.to_empty(device="cpu"), torch.Generator().manual_seed(seed))
    elif source == "imagenet":
        _fill(features, _download(arch), f"torchvision's weights for {arch}")
    else:
        known, entries = _read(features, Path(source).expanduser(), arch)
    convention = known._replace(**given_pixels(source, entries, pixels))
    if known != PixelConvention() and not convention.is_close(known):
        log.warning("%s is known to be for %s, but taken for %s", source, known, convention)
    if convention.channels == "bgr":
        features[0].weight = nn.Parameter(features[0].weight.detach().flip(1))  # type: ignore[operator]
    mean, std = convention.of_unit_rgb()
    if source not in ("random", "imagenet"):
        check_activations(features, mean, std, source)
    return mean, std


def _read(features: nn.Sequential, path: Path, arch: str) -> tuple[PixelConvention, dict[str, Any]]:
    """Fill ``features`` from a file; returns what is known of its pixels, and its entries."""
    origin = f"{path} (for {arch})"
    entries: dict[str, Any] = {}
    authors = read_author_file(path)
    if authors is None:
        entries = read_state(path)
        authors = read_normalized(entries)
    if authors is not None:
        _fill(features, authors.state_for(features, origin), origin)
        return authors.pixels, entries
    _fill(features, entries, origin)
    return recognize(path, features[0].weight, features[0].bias), entries  # type: ignore[arg-type]


def read_state(path: Path) -> dict[str, Any]:
    """Read a ``.pth`` or ``.safetensors`` state dict without running any code it may carry.

    Returns its tensors, and whatever it has under ``mean`` and ``std``.

    Raises ``UserError`` if the file is missing, is no such file, or would run code.
    """
    if not path.is_file():
        raise UserError(f"no such weights file: {path}")
    if is_safetensors(path):
        try:
            with readable_name(path) as name:
                return safetensors.torch.load_file(name)
        except safetensors.SafetensorError:
            raise UserError(f"{path} is not a readable safetensors file (truncated?)") from None
    state: Mapping[str, object] = read_torch(path)
    inner = state.get("state_dict")
    if isinstance(inner, Mapping):
        state = inner
    return {
        str(key): value
        for key, value in state.items()
        if isinstance(value, Tensor) or key in ("mean", "std")
    }


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


def _fill(features: nn.Sequential, state: Mapping[str, Tensor], origin: str) -> None:
    """Take what ``features`` needs, as float32, with the prefix ``features.`` cut off."""
    plain = {key.removeprefix("features."): value for key, value in state.items()}
    selected: dict[str, Tensor] = {}
    for name, expected in features.state_dict().items():
        if name.endswith("num_batches_tracked"):
            selected[name] = torch.zeros(expected.shape, dtype=expected.dtype)
            continue
        value = plain.get(name)
        if value is None:
            raise UserError(f'{origin}: key "features.{name}" is missing; is it another network?')
        if not is_plain(value) or not value.is_floating_point():
            raise UserError(f'{origin}: "features.{name}" is no plain tensor of floats')
        if value.shape != expected.shape:
            found, needed = tuple(value.shape), tuple(expected.shape)
            raise UserError(f'{origin}: "features.{name}" has shape {found}, not {needed}')
        selected[name] = value.float()
    features.load_state_dict(selected, assign=True)
