"""Each source's own numbers, against its formula in float64, of the same features."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from faststyle.config.compose import compose_config, instantiate
from faststyle.encoder import VGGEncoder
from faststyle.images.pixels import IMAGENET_STD
from faststyle.losses import NORMALIZATIONS, PerceptualLoss, StyleImage

Array = NDArray[np.float64]
Features = dict[str, Array]
#: Content, style, total variation.
Terms = tuple[float, float, float]
#: All layers of VGG-16 that have a ReLU.
RELUS = [
    f"relu{block}_{place}"
    for block, depth in enumerate((2, 2, 3, 3, 3), 1)
    for place in range(1, depth + 1)
]
#: Parts of each term: of features in float64, and in float32.
EXACT, SINGLE = 1e-13, 2e-6


def _gram(features: Array) -> Array:
    flat = features.reshape(len(features), -1)
    return np.asarray(flat @ flat.T)


def _cntk(picture: Features, photo: Features, painting: Features, pixels: Array) -> Terms:
    """C.squared_error is a sum; N is the side of a square layer."""

    def content(layer: str) -> float:
        return float(np.sum((picture[layer] - photo[layer]) ** 2) / picture[layer].size)

    def style(layer: str) -> float:
        a, b = (_gram(x[layer] - x[layer].mean()) for x in (picture, painting))
        channels, side, other = picture[layer].shape
        assert side == other
        return float(np.sum((a - b) ** 2) / (channels**2 * side**4))

    decay, count = 0.5, len(RELUS)
    total = (1 - decay ** (count + 1)) / (1 - decay)
    contents, styles = 5.0 / total * content("input"), 1.0 / total * style("pool5")
    for i, layer in enumerate(RELUS):
        contents += decay ** (i + 1) / total * 5.0 * content(layer)
        styles += decay ** (count - i) / total * 1.0 * style(layer)
    down, right = (np.diff(255 * pixels, axis=axis) for axis in (1, 2))
    return contents, styles, float(0.5 * (np.mean(down**2) + np.mean(right**2)))


def _cs231n(picture: Features, photo: Features, painting: Features, pixels: Array) -> Terms:
    content = 5e-2 * np.sum((picture["relu3_3"] - photo["relu3_3"]) ** 2)
    style = 0.0
    weights = {"relu1_2": 20000, "relu2_2": 500, "relu3_3": 12, "relu4_3": 1}
    for layer, weight in weights.items():
        a, b = (_gram(x[layer]) / x[layer].size for x in (picture, painting))
        style += weight * np.sum((a - b) ** 2)
    shown = pixels / np.array(IMAGENET_STD).reshape(3, 1, 1)
    down, right = np.diff(shown, axis=1), np.diff(shown, axis=2)
    return float(content), float(style), float(5e-2 * (np.sum(down**2) + np.sum(right**2)))


def _csdn_weighted(picture: Features, photo: Features, painting: Features, _: Array) -> Terms:
    content = style = 0.0
    for layer in ("relu4_2", "relu5_2"):
        value = np.sum((photo[layer] - picture[layer]) ** 2)
        content += 1 / (2 * picture[layer].size) * value * 0.5
    layers = [f"relu{block}_1" for block in range(1, 6)]
    for layer in layers:
        n = len(picture[layer])
        m = picture[layer].size / n
        difference = _gram(picture[layer]) - _gram(painting[layer])
        style += 1 / (4 * m**2 * n**2) * np.sum(difference**2) * 0.2
    return float(1 * content / 2), float(500 * style / len(layers)), 0.0


SOURCES = {
    "cntk": (_cntk, "vgg16", "avg"),
    "cs231n_exact": (_cs231n, "vgg16", "max"),
    "csdn_weighted": (_csdn_weighted, "vgg19", "max"),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("preset", SOURCES)
def test_a_preset_gives_its_sources_own_numbers(preset: str, dtype: torch.dtype) -> None:
    formula, arch, pooling = SOURCES[preset]
    cfg = compose_config("optimize", ["content=null", f"experiment={preset}"])
    assert (cfg.encoder.arch, cfg.encoder.get("pooling") or "max") == (arch, pooling)
    encoder = VGGEncoder(arch, "random", pooling=pooling).to(dtype)
    loss: PerceptualLoss = instantiate(cfg.loss, encoder=encoder)
    # Pooling leaves a rest at 11 and at 5.
    photo, painting, picture = (torch.rand(1, 3, 44, 44, dtype=dtype) for _ in range(3))
    loss.set_style([StyleImage(painting[0])])
    terms = loss(picture, loss.targets(photo))
    found = [each.item() for each in (terms.content, terms.style)]
    found.append(terms.others["tv"].item() if "tv" in terms.others else 0.0)
    layers = [*loss.layers]
    seen = [
        {layer: each[0].double().numpy() for layer, each in encoder(x, layers).items()}
        for x in (picture, photo, painting)
    ]
    expected = formula(seen[0], seen[1], seen[2], picture[0].double().numpy())
    np.testing.assert_allclose(found, expected, EXACT if dtype == torch.float64 else SINGLE)
    assert terms.total.item() == pytest.approx(sum(expected), rel=SINGLE)


def test_the_last_row_and_column_can_have_no_total_variation() -> None:
    images = torch.rand(2, 3, 5, 7, dtype=torch.float64)
    x = images.numpy()
    inner = x[:, :, :-1, :-1]
    down, right = x[:, :, 1:, :-1] - inner, x[:, :, :-1, 1:] - inner
    expected = (down**2 + right**2).sum((1, 2, 3))
    found = NORMALIZATIONS["inner_variation"]().variation(images).numpy()
    np.testing.assert_allclose(found, expected, EXACT)
    assert (found < NORMALIZATIONS["paper"]().variation(images).numpy()).all()
    assert NORMALIZATIONS["inner_variation"]().variation(torch.rand(1, 3, 1, 4)).tolist() == [0]


def test_relative_losses_are_shares_of_the_targets_energy() -> None:
    value, target = (torch.rand(1, 3, 4, 5, dtype=torch.float64) for _ in range(2))
    f, p = value.numpy(), target.numpy()
    expected = ((f - p) ** 2).sum() / (p**2).sum()
    scale = NORMALIZATIONS["relative"]()
    assert scale.content(value, target).item() == pytest.approx(expected, rel=EXACT)
    assert scale.style(value, target).item() == pytest.approx(expected, rel=EXACT)


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (1, 3, 1, 4), (1, 3, 4, 1)])
@pytest.mark.parametrize("scale", ["cntk", "cs231n", "csdn_weighted", "inner_variation"])
def test_total_variation_of_a_line_or_point_is_finite(shape: tuple[int, ...], scale: str) -> None:
    assert torch.isfinite(NORMALIZATIONS[scale]().variation(torch.rand(shape))).all()
