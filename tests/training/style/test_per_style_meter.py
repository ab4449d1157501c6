import pytest
import torch
from torch import Tensor

from faststyle.training.style.per_style_meter import PerStyleMeter


def test_it_is_the_mean_of_each_style_since_it_was_asked_for() -> None:
    means = PerStyleMeter(3)
    means.add(torch.tensor([0, 2, 0]), torch.tensor([1.0, 5.0, 2.0]))
    means.add(torch.tensor([0]), torch.tensor([6.0]))
    assert means.take(lambda sums: sums) == pytest.approx({0: 3.0, 2: 5.0})
    assert means.take(lambda sums: sums) == {}


def test_what_other_processes_saw_counts_as_much() -> None:
    def gather(sums: Tensor) -> Tensor:
        other = torch.tensor([[9.0, 8.0], [3.0, 1.0]])  # losses, pictures
        return torch.stack([sums, other])

    means = PerStyleMeter(2)
    means.add(torch.tensor([0]), torch.tensor([1.0]))
    assert means.take(gather) == pytest.approx({0: 10 / 4, 1: 8.0})
