"""VGG's weights in the files that their authors gave.

MatConvNet's (``imagenet-vgg-verydeep-19.mat``), CNTK's (``vgg16_weights.bin``, HDF5), those of
Torch7 (``vgg16.t7``), and Gatys' normalized ones with the pixels' normalization as a first layer
(``vgg_normalised.pth``). All are read as numbers; nothing that they may hold besides is run.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from faststyle.core.errors import UserError, needs_extra
from faststyle.core.torch_files import is_plain
from faststyle.encoder.pixels import BGR_255, RGB_255, PixelConvention

#: Weight (out, in, 3, 3) and bias (out,), as arrays of any float.
Convolution = tuple[np.ndarray, np.ndarray]
#: Of the largest convolution of any VGG: more is not read.
_MOST_WEIGHTS = 512 * 512 * 9


class AuthorWeights(NamedTuple):
    """All convolutions, from shallow to deep, and the pixels that they are for."""

    convolutions: list[tuple[Tensor, Tensor]]
    pixels: PixelConvention

    def state_for(self, features: nn.Sequential, origin: str) -> dict[str, Tensor]:
        """A state dict of torchvision's ``features``. Raises ``UserError`` if it has more or less.

        ``origin`` is what errors call the file.
        """
        names = [name for name, m in features.named_children() if isinstance(m, nn.Conv2d)]
        found, needed = len(self.convolutions), len(names)
        if found != needed:
            raise UserError(f"{origin}: it holds {found} convolutions of 3 x 3, not {needed}")
        state = dict[str, Tensor]()
        for name, (weight, bias) in zip(names, self.convolutions, strict=True):
            state |= {f"{name}.weight": weight, f"{name}.bias": bias}
        return state


def read_author_file(path: Path) -> AuthorWeights | None:
    """What a file of MatConvNet, CNTK or Torch7 holds, by its first bytes; none for any other.

    Raises ``UserError`` if it is damaged, or no VGG; or if h5py is missing.
    """
    if not path.is_file():
        return None
    with path.open("rb") as file:
        start = file.read(8)
    known = next((known for magic, known in _KINDS.items() if start.startswith(magic)), None)
    if known is None:
        return None
    kind, read, pixels = known
    try:
        found = [_tensors(*each) for each in read(path)]
        return _without_pixel_layer(found) or AuthorWeights(found, pixels)
    except (UserError, MemoryError):
        raise
    except Exception:  # readers trip over damage in a dozen different ways
        raise UserError(f"{path} is no VGG that {kind} wrote, or damaged") from None


def read_normalized(state: Mapping[str, Any]) -> AuthorWeights | None:
    """What a state dict of numbered layers holds whose first one, of 1 x 1, is of the pixels."""
    tensors = [value for value in state.values() if isinstance(value, Tensor)]
    if "0.weight" not in state or not all(map(is_plain, tensors)):
        return None
    names = [key.removesuffix(".weight") for key in state if key.endswith(".weight")]
    try:
        layers = [(state[f"{n}.weight"], state[f"{n}.bias"]) for n in sorted(names, key=float)]
        return _without_pixel_layer([(weight.float(), bias.float()) for weight, bias in layers])
    except (KeyError, ValueError, RuntimeError):  # a layer is missing, or has another shape
        return None


def _without_pixel_layer(layers: list[tuple[Tensor, Tensor]]) -> AuthorWeights | None:
    """The same without a first layer M x + b = M (x - m), whose M goes into the next; or none."""
    (mix, shift), *rest = layers
    if mix.shape != (3, 3, 1, 1):
        return None
    matrix = mix[:, :, 0, 0].double()
    mean = torch.linalg.solve(matrix, -shift.double())
    (weight, bias), *deeper = rest
    mixed = torch.einsum("ojhw,ji->oihw", weight.double(), matrix).float()
    return AuthorWeights([(mixed, bias), *deeper], PixelConvention(mean.tolist(), (1.0,) * 3))


def _tensors(weight: np.ndarray, bias: np.ndarray) -> tuple[Tensor, Tensor]:
    if {weight.dtype.kind, bias.dtype.kind} != {"f"} or bias.size != len(weight):
        raise ValueError("no convolution")
    pair = (np.ascontiguousarray(x, np.float32) for x in (weight, bias.reshape(-1)))
    return tuple(map(torch.tensor, pair))  # type: ignore[return-value]


def _read_matlab(path: Path) -> Iterator[Convolution]:
    """Kernels are (height, width, in, out); older files have ``filters`` and ``biases``."""
    from scipy.io import loadmat

    with path.open("rb") as file:
        layers = loadmat(file, variable_names=["layers"])["layers"]
    for layer in layers.flat:
        named = {name: layer[name][0, 0] for name in layer.dtype.names}
        older = [named[name] for name in ("filters", "biases") if name in named]
        parts = [*named["weights"].flat] if "weights" in named else older
        if len(parts) == 2 and parts[0].shape[:2] == (3, 3):
            yield parts[0].transpose(3, 2, 0, 1), parts[1]


def _read_hdf5(path: Path) -> Iterator[Convolution]:
    """``layer_0/param_0`` and so on; what lies in other files is not followed."""
    with needs_extra("hdf5"):
        import h5py

    def inside(group: Any, name: str) -> Any:
        found = group[name] if type(group.get(name, getlink=True)) is h5py.HardLink else None
        if found is None or getattr(found, "is_virtual", False) or getattr(found, "external", None):
            raise ValueError(f"{name} is elsewhere")
        return found

    with path.open("rb") as opened, h5py.File(opened, "r") as file:
        for number in range(file.attrs["nb_layers"]):
            layer = inside(file, f"layer_{number}")
            if layer.attrs["nb_params"] != 2:
                continue
            weight, bias = inside(layer, "param_0"), inside(layer, "param_1")
            if weight.shape[2:] == (3, 3) and weight.size <= _MOST_WEIGHTS >= bias.size:
                yield weight[()], bias[()]


def _read_torch7(path: Path) -> Iterator[Convolution]:
    """The convolutions of an ``nn.Sequential``, nested ones included, each once."""
    seen = set[int]()

    def walk(module: Any) -> Iterator[Convolution]:
        if not isinstance(module, dict) or id(module) in seen:
            return
        seen.add(id(module))
        for _, inner in sorted(module.get(b"modules", {}).items()):
            yield from walk(inner)
        if b"kW" in module:
            weight, side = module[b"weight"], int(module[b"kW"])
            yield weight.reshape(len(weight), -1, side, side), module[b"bias"]

    yield from walk(_Torch7(path).value())


#: Of a storage's class, what one number is.
_STORAGES = {b"Float": "<f4", b"Cuda": "<f4", b"Double": "<f8", b"Long": "<i8", b"Byte": "u1"}


class _Torch7:
    """Torch7's binary serialization. Tables and objects become dicts; functions are refused."""

    def __init__(self, path: Path) -> None:
        self._bytes = np.memmap(path, np.uint8, "r")
        self._at = 0
        self._known: dict[int, Any] = {}

    def value(self) -> Any:
        """The next value; what was read before is the same object."""
        kind = self._numbers("i")[0]
        if kind == 0:
            return None
        if kind in (1, 5):  # number, boolean
            return self._numbers("d" if kind == 1 else "i")[0]
        if kind == 2:
            return self._text()
        if kind not in (3, 4):
            raise ValueError("a function")
        number = self._numbers("i")[0]
        if number not in self._known:
            self._known[number] = found = dict[Any, Any]()
            name = self._class() if kind == 4 else b""
            if name.endswith((b"Tensor", b"Storage")):
                read = self._tensor if name.endswith(b"Tensor") else self._storage
                self._known[number] = read(name)
            else:
                found.update(self.value() if name else self._table())
        return self._known[number]

    def _class(self) -> bytes:
        text = self._text()  # a version, or in older files the name itself
        return self._text() if text.startswith(b"V ") else text

    def _table(self) -> dict[Any, Any]:
        return {self.value(): self.value() for _ in range(self._numbers("i")[0])}

    def _tensor(self, _: bytes) -> np.ndarray:
        [dimensions] = self._numbers("i")
        sizes = self._numbers(f"{dimensions}q")
        self._numbers(f"{dimensions}q")  # strides: what is written is contiguous
        [offset] = self._numbers("q")
        storage = self.value()
        if storage is None:
            return np.empty(0, np.float32)
        found: np.ndarray = storage[offset - 1 :][: np.prod(sizes)].reshape(sizes)
        return found

    def _storage(self, name: bytes) -> np.ndarray:
        number = np.dtype(_STORAGES[name.removeprefix(b"torch.").removesuffix(b"Storage")])
        return self._take(self._numbers("q")[0] * number.itemsize).view(number)

    def _text(self) -> bytes:
        return self._take(self._numbers("i")[0]).tobytes()

    def _numbers(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{form}", self._take(struct.calcsize(f"<{form}")).tobytes())

    def _take(self, count: int) -> np.ndarray:
        if not 0 <= count <= len(self._bytes) - self._at:
            raise ValueError("the file ends before")
        self._at += count
        return self._bytes[self._at - count : self._at]


_Reader = Callable[[Path], Iterator[Convolution]]
#: By the first bytes: whose file it is, its reader, and the pixels.
_KINDS: dict[bytes, tuple[str, _Reader, PixelConvention]] = {
    b"MATLAB ": ("MatConvNet", _read_matlab, RGB_255),
    b"\x89HDF\r\n\x1a\n": ("CNTK", _read_hdf5, BGR_255),
    b"\x03\0\0\0": ("Torch7", _read_torch7, BGR_255),
    b"\x04\0\0\0": ("Torch7", _read_torch7, BGR_255),
}
