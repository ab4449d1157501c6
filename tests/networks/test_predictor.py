import numpy as np
import torch

from faststyle.networks.predictor import Predictor, color_histograms

#: All of -1, 0 and 1 for red, green and blue, but for zero and opposites of one that is there.
DIRECTIONS = [
    (r, g, b) for r in (-1, 0, 1) for g in (-1, 0, 1) for b in (-1, 0, 1) if (r, g, b) > (0, 0, 0)
]


def test_a_color_counts_for_the_two_nearest_bins_by_its_distance() -> None:
    color = np.array([0.9, 0.2, 0.4])
    image = torch.tensor(color, dtype=torch.float64).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    expected = np.zeros((12, len(DIRECTIONS)))
    for column, direction in enumerate(DIRECTIONS):
        least = sum(min(part, 0) for part in direction)
        most = sum(max(part, 0) for part in direction)
        place = 11 * (np.dot(direction, color) - least) / (most - least)
        below = int(place)
        expected[below, column] = 12 * (1 - (place - below))
        expected[min(below + 1, 11), column] += 12 * (place - below)
    found = color_histograms(image).view(12, len(DIRECTIONS))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


def test_histograms_add_up_whatever_the_colors_and_the_size() -> None:
    for size in ((3, 5), (40, 64)):
        found = color_histograms(torch.rand(2, 3, *size, dtype=torch.float64))
        sums = found.view(2, 12, len(DIRECTIONS)).sum(1)
        torch.testing.assert_close(sums, torch.full_like(sums, 12))


def test_nothing_is_predicted_before_any_training_and_gradients_reach_all_layers() -> None:
    predictor = Predictor(outputs=6, hidden=8)
    predicted = predictor(torch.rand(2, 3, 32, 24))
    assert predicted.shape == (2, 6)
    assert not predicted.any()
    last = predictor.layers[-1]
    assert isinstance(last, torch.nn.Linear)
    torch.nn.init.normal_(last.weight)
    predictor(torch.rand(1, 3, 32, 24)).sum().backward()
    missing = [name for name, each in predictor.named_parameters() if each.grad is None]
    assert not missing


def test_a_mirrored_painting_is_the_same_to_mirrored_filters() -> None:
    predictor = Predictor(outputs=4, hidden=8).double()
    torch.nn.init.normal_(predictor.layers[-1].weight)  # type: ignore[arg-type]
    painting = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    wanted = predictor(painting.flip(3))
    for module in predictor.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.weight.data = module.weight.data.flip(3)
    torch.testing.assert_close(predictor(painting), wanted)
