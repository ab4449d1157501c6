"""A small set of pictures in CIFAR-10's file format, served where torchvision looks for it."""

import colorsys
import hashlib
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import CIFAR10

NAMES = [f"grating_{k}" for k in range(10)]
_COLORS = 255 * np.array([colorsys.hsv_to_rgb(k / 10, 1, 1) for k in range(10)])


def gratings(labels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """uint8 (N, 3, 32, 32): stripes whose direction, width and color tell the class.

    Upright or level ones, since a mirrored picture must stay in its class. Between them is any
    color. Stripes of any color, too, would take several times as many steps to learn.
    """
    y, x = np.mgrid[:32, :32]
    frequency = (0.25 * 1.6 ** (labels % 5))[:, None, None]
    across = np.where(labels[:, None, None] < 5, x, y)
    phase = generator.uniform(0, 2 * np.pi, (len(labels), 1, 1))
    wave = np.sin(frequency * across + phase)[:, None]
    first = _COLORS[labels][:, :, None, None]
    second = generator.uniform(0, 255, (len(labels), 3, 1, 1))
    pixels = first + (second - first) * (wave + 1) / 2
    noise = generator.normal(0, 20, pixels.shape)
    result: np.ndarray = (pixels + noise).clip(0, 255).astype(np.uint8)
    return result


def write_cifar10(folder: Path, per_batch: int) -> Path:
    """The archive, with its five batches for training, one for testing, and the names."""
    inside = folder / str(CIFAR10.base_folder)
    inside.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for name, _ in [*CIFAR10.train_list, *CIFAR10.test_list]:
        labels = generator.permutation(np.arange(per_batch) % 10)
        batch = {
            "batch_label": name,
            "labels": labels.tolist(),
            "data": gratings(labels, generator).reshape(per_batch, 3072),
            "filenames": [f"{index}.png" for index in range(per_batch)],
        }
        (inside / name).write_bytes(pickle.dumps(batch, protocol=2))
    meta = {"label_names": NAMES, "num_cases_per_batch": per_batch, "num_vis": 3072}
    (inside / CIFAR10.meta["filename"]).write_bytes(pickle.dumps(meta, protocol=2))
    archive = folder / str(CIFAR10.filename)
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(inside, CIFAR10.base_folder)
    return archive


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def cifar10(
    tmp_path: Path, serve: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], None]:
    """Serve such a set, and tell torchvision its address and digests instead of the real ones."""

    def make(per_batch: int) -> None:
        folder = tmp_path / "server"
        archive = write_cifar10(folder, per_batch)
        inside = folder / str(CIFAR10.base_folder)
        for name in ("train_list", "test_list"):
            known = [[file, md5(inside / file)] for file, _ in getattr(CIFAR10, name)]
            monkeypatch.setattr(CIFAR10, name, known)
        meta = CIFAR10.meta | {"md5": md5(inside / CIFAR10.meta["filename"])}
        monkeypatch.setattr(CIFAR10, "meta", meta)
        monkeypatch.setattr(CIFAR10, "url", f"{serve(folder)}/{archive.name}")
        monkeypatch.setattr(CIFAR10, "tgz_md5", md5(archive))

    return make
