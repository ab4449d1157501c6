import numpy as np
import torch

from faststyle.losses.local_gram import LocalGram


def test_each_part_has_the_gram_matrix_of_its_features() -> None:
    features = torch.rand(2, 3, 9, 13, generator=torch.Generator().manual_seed(0)).double()
    (found,) = LocalGram(4).statistics(features)
    expected = np.empty((2, 6, 3, 3))
    for picture in range(2):
        for part in range(6):
            row, column = 4 * (part // 3), 4 * (part % 3)
            seen = features[picture, :, row : row + 4, column : column + 4].numpy().reshape(3, 16)
            expected[picture, part] = seen @ seen.T / (3 * 16)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_features_that_change_places_in_their_part_are_the_same_texture() -> None:
    features = torch.rand(1, 5, 8, 16, generator=torch.Generator().manual_seed(0)).double()
    turned = torch.cat([features[..., :8].flip(2), features[..., 8:].transpose(2, 3)], 3)
    swapped = features.flip(3)
    (as_it_was,), (moved,), (elsewhere,) = (
        LocalGram().statistics(f) for f in (features, turned, swapped)
    )
    torch.testing.assert_close(moved, as_it_was)
    assert (elsewhere - as_it_was).abs().max() > 1e-3


def test_a_layer_of_few_features_is_one_part() -> None:
    features = torch.rand(1, 4, 3, 5)
    (found,) = LocalGram().statistics(features)
    (whole,) = LocalGram(5).statistics(features)
    assert found.shape == whole.shape == (1, 1, 4, 4)
