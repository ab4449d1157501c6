"""Random places of features, as vectors."""

import torch
from torch import Tensor

from faststyle.core.precision import widen


def vectors(features: Tensor) -> Tensor:
    """Features (N, C, H, W) as vectors (N, H * W, C), in float32 or better."""
    return widen(features).permute(0, 2, 3, 1).flatten(1, 2)


def some_places(count: int, most: int, generator: torch.Generator) -> Tensor:
    """``most`` of ``count`` places in random order, or all of them if there are fewer."""
    return torch.randperm(count, generator=generator)[:most]


def fixed_sample(values: Tensor, size: int) -> Tensor:
    """``size`` of the vectors (N, K, C), always the same ones: (N, size, C).

    Each is taken as often as any other, or once more, so that sets of any K have one size.
    """
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(values.shape[1], generator=generator)
    times = -(-size // len(order))
    return values[:, order.repeat(times)[:size].to(values.device)]


def mix_samples(samples: list[Tensor], shares: list[float]) -> Tensor:
    """One set of vectors (N, K, C) of several such sets: of each its share."""
    size = samples[0].shape[1]
    ends = [round(size * sum(shares[: number + 1])) for number in range(len(shares))]
    starts = [0, *ends[:-1]]
    parts = [each[:, start:end] for each, start, end in zip(samples, starts, ends, strict=True)]
    return torch.cat(parts, 1)
