"""The order in which photos are seen: a function of the seed and the step, nothing else."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

#: Groups that are shown at a time.
_MIXED = 8


class SampleIndex(NamedTuple):
    """One sample: its place in the whole run, and which photo is shown there."""

    position: int
    photo: int


class StepSampler(Sampler[list[SampleIndex]]):
    """Batches of one process for steps ``start`` to ``steps`` of a run.

    Sample k of the run shows photo ``order(seed, k // photos)[k % photos]``, a permutation. Step s
    takes samples s * B to (s + 1) * B of a global batch of B, split evenly over the processes; so
    the order is the same for any number of processes, and a resumed run goes on where it stopped.

    The length is that of the whole run, ``start`` included: Lightning counts resumed batches so.

    Args:
        photos: how many there are.
        batch_size: global batch B.
        steps: of the whole run.
        start: first step to yield.
        seed: of the order.
        groups: how many photos lie together, in the order of their numbers. A few groups, chosen
            at random, are mixed and shown before the next, so that not all are needed at once.
        rank: this process, of ``world_size``, which must divide ``batch_size``.
        world_size: number of processes.
    """

    def __init__(
        self,
        photos: int,
        batch_size: int,
        steps: int,
        start: int = 0,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        groups: Sequence[int] | None = None,
    ) -> None:
        self.photos, self.batch_size = photos, batch_size
        self.steps, self.start = steps, start
        self.seed, self.rank = seed, rank
        self.share = batch_size // world_size
        self.groups = [photos] if groups is None else groups

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[list[SampleIndex]]:
        epoch, order = -1, np.empty(0, dtype=np.int64)
        for step in range(self.start, self.steps):
            batch = []
            first = step * self.batch_size + self.rank * self.share
            for position in range(first, first + self.share):
                if position // self.photos != epoch:
                    epoch = position // self.photos
                    order = self._order(epoch)
                batch.append(SampleIndex(position, int(order[position % self.photos])))
            yield batch

    def _order(self, epoch: int) -> npt.NDArray[np.int64]:
        generator = np.random.default_rng((self.seed, epoch))
        if len(self.groups) == 1:
            return generator.permutation(self.photos)
        ends = np.cumsum(self.groups)
        chosen = generator.permutation(len(self.groups))
        parts = []
        for first in range(0, len(chosen), _MIXED):
            mixed = [
                np.arange(ends[group] - self.groups[group], ends[group])
                for group in chosen[first : first + _MIXED]
            ]
            parts.append(generator.permutation(np.concatenate(mixed)))
        return np.concatenate(parts)
