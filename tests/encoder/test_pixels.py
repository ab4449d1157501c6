import hashlib
from pathlib import Path

import pytest
import torch
from torch import Tensor

from faststyle.core.errors import UserError
from faststyle.encoder import VGGEncoder, pixels

IMAGES = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
MEAN, STD = [0.1, 0.2, 0.3], [0.5, 0.6, 0.7]


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    encoder = VGGEncoder("vgg11", "random", seed=5)
    return {f"features.{name}": value for name, value in encoder.features.named_buffers()}


def _pool5(encoder: VGGEncoder) -> Tensor:
    features: Tensor = encoder(IMAGES, ["pool5"])["pool5"]
    return features


def _expected(state: dict[str, Tensor], folder: Path) -> Tensor:
    """Of RGB pixels in [0, 1], with mean and deviation."""
    torch.save(state | {"mean": torch.tensor(MEAN), "std": torch.tensor(STD)}, folder / "a.pth")
    return _pool5(VGGEncoder("vgg11", str(folder / "a.pth")))


@pytest.mark.parametrize(
    "said",
    [
        {"mean": torch.tensor(MEAN).view(1, 3, 1, 1), "std": torch.tensor(STD).view(3, 1)},
        {"mean": MEAN, "std": tuple(STD)},
        {"mean": [x * 255 for x in MEAN], "std": [x * 255 for x in STD]},
    ],
    ids=["other shapes", "lists", "of 255"],
)
def test_a_file_says_its_pixels_in_several_ways(
    state: dict[str, Tensor], tmp_path: Path, said: dict[str, object]
) -> None:
    torch.save(state | said, tmp_path / "b.pth")
    found = _pool5(VGGEncoder("vgg11", str(tmp_path / "b.pth")))
    torch.testing.assert_close(found, _expected(state, tmp_path))


def test_settings_say_that_weights_are_caffes(state: dict[str, Tensor], tmp_path: Path) -> None:
    turned = state | {"features.0.weight": state["features.0.weight"].flip(1)}
    torch.save(turned, tmp_path / "bgr.pth")
    mean, std = ([x * 255 for x in reversed(values)] for values in (MEAN, STD))
    encoder = VGGEncoder("vgg11", str(tmp_path / "bgr.pth"), mean=mean, std=std, channels="bgr")
    torch.testing.assert_close(_pool5(encoder), _expected(state, tmp_path))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"mean": MEAN}, r"gives a mean of its pixels and no std: say encoder\.std="),
        ({"std": STD}, r"gives a std of its pixels and no mean: say encoder\.mean="),
        ({"mean": [1.0, 2.0], "std": STD}, "must be three numbers"),
        ({"mean": "imagenet", "std": STD}, "must be three numbers"),
        ({"mean": MEAN, "std": [1.0, 0.0, 1.0]}, "must be three numbers"),
        ({"mean": MEAN, "std": [1.0, float("nan"), 1.0]}, "must be three numbers"),
    ],
)
def test_what_cannot_be_pixels_is_one_line(
    state: dict[str, Tensor], tmp_path: Path, said: dict[str, object], message: str
) -> None:
    torch.save(state | said, tmp_path / "c.pth")
    with pytest.raises(UserError, match=message):
        VGGEncoder("vgg11", str(tmp_path / "c.pth"))


def test_a_known_file_is_recognized_by_its_digest(
    state: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(state, tmp_path / "known.pth")
    digest = hashlib.sha256((tmp_path / "known.pth").read_bytes()).hexdigest()
    known = pixels.PixelConvention(MEAN, STD)
    monkeypatch.setitem(pixels._KNOWN, digest[:8], known)
    found = _pool5(VGGEncoder("vgg11", str(tmp_path / "known.pth")))
    torch.testing.assert_close(found, _expected(state, tmp_path))


@pytest.mark.parametrize("turned", [(), (1,)], ids=["rgb", "bgr"])
def test_oxfords_vgg19_is_recognized_by_its_first_layer(
    real_vgg19: Path, tmp_path: Path, turned: tuple[int, ...]
) -> None:
    """Of pixels of 255, as Caffe has them, it gives what it gives scaled to ImageNet's."""
    state = torch.load(real_vgg19, weights_only=True)
    weight = state["features.0.weight"].float()
    scaled = weight / (255 * torch.tensor([0.229, 0.224, 0.225])).view(1, 3, 1, 1)
    torch.save(state | {"features.0.weight": scaled.flip(turned)}, tmp_path / "caffe.pth")
    expected, found = (
        VGGEncoder("vgg19", str(path))(IMAGES, ["relu3_1"])["relu3_1"]
        for path in (real_vgg19, tmp_path / "caffe.pth")
    )
    # The means differ by half a gray level.
    assert (found - expected).norm() < 0.01 * expected.norm()
