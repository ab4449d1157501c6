import numpy as np
import torch
from torch import Tensor

from faststyle.encoder import VGGEncoder
from faststyle.evaluation.appearance import LAYER, cfsd


def _by_loops(picture: Tensor, photo: Tensor) -> float:
    """Features (C, H, W); the divergence of each place's similarities, summed."""

    def softmax(features: Tensor) -> np.ndarray:
        values = features.flatten(1).T.double().numpy() / len(features)
        rows: np.ndarray = np.exp(values @ values.T)
        rows /= rows.sum(1, keepdims=True)
        return rows

    ours, theirs = softmax(picture), softmax(photo)
    return float((theirs * np.log(theirs / ours)).sum())


def test_it_is_its_formula(encoder: VGGEncoder) -> None:
    pictures, photos = torch.rand(2, 2, 3, 32, 40).unbind()
    found = cfsd(pictures, photos, encoder)
    features = [encoder(each, [LAYER])[LAYER] for each in (pictures, photos)]
    expected = [_by_loops(ours, theirs) for ours, theirs in zip(*features, strict=True)]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-3, atol=1e-5)


def test_the_photo_itself_is_at_no_distance_and_another_is(encoder: VGGEncoder) -> None:
    photo, other = torch.rand(2, 1, 3, 32, 32).unbind()
    assert cfsd(photo, photo, encoder).item() == 0
    assert cfsd(other, photo, encoder).item() > 1e-5
