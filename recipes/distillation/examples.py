"""What a loss network is shown while it learns: photos are not enough."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from faststyle.core.limits import AtLeast
from faststyle.data.folder import find_photos
from faststyle.data.painting import local_image
from faststyle.images.files import load_picture
from faststyle.images.pixels import resample, shrink
from faststyle.networks import TransformNetwork

_MAX_SIDE = 512  # short side of paintings that are kept in memory
_RESTART = 0.03  # chance that a picture of the pool begins anew


class Painters:
    """Small transform networks that learn one style after another from the student's gradient.

    What a loss network will be asked about is what such networks make, and where it is wrong they
    go astray. So they learn beside it, and their pictures become its examples. They take turns, and
    keep their weights when the style changes: what they show is half of the old style by then.

    Each of the ``networks`` learns a style for so many ``steps`` of its turns. Weights and styles
    are a function of the seed. Raises ``UserError`` for a count below 1.
    """

    def __init__(
        self, networks: int = 2, steps: int = 150, learning_rate: float = 1e-3, seed: int = 0
    ) -> None:
        AtLeast(1).check("pictures.painters.networks", networks)
        AtLeast(1).check("pictures.painters.steps", steps)
        self._generator = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = [TransformNetwork(width=8, blocks=3) for _ in range(networks)]
        self._networks = [network.to(memory_format=torch.channels_last) for network in made]
        self._optimizers = [torch.optim.Adam(n.parameters(), learning_rate) for n in made]
        self._steps = steps
        self._style = [0] * networks
        self._turn = 0
        self._painted: Tensor | None = None

    def paint(self, photos: Tensor, styles: int) -> tuple[Tensor, int]:
        """The next network's pictures of ``photos`` (N, 3, S, S), and the number of its style."""
        turn, index = divmod(self._turn, len(self._networks))
        if turn % self._steps == 0:
            self._style[index] = int(torch.randint(styles, (1,), generator=self._generator))
        network = self._networks[index].to(photos.device)
        with torch.enable_grad():
            self._painted = network(photos)
        return self._painted.detach(), self._style[index]

    def learn(self, gradient: Tensor) -> None:
        """Teach that network by the ``gradient`` (N, 3, S, S) of the loss at its pictures."""
        assert self._painted is not None
        optimizer = self._optimizers[self._turn % len(self._networks)]
        optimizer.zero_grad()
        torch.autograd.backward(self._painted, gradient)
        optimizer.step()
        self._painted = None
        self._turn += 1


class Shown(NamedTuple):
    """A batch: pictures (N, 3, S, S) in [0, 1], and what they are led to.

    ``styles`` (N,) count in the bank, ``contents`` (N,) in the batch. The last pictures came from
    the ``slots`` of the pool; before them come those that a painter made, which are ``painted``.
    """

    pictures: Tensor
    styles: Tensor
    contents: Tensor
    slots: Tensor
    painted: slice


class ExampleMixer:
    """Mixes photos with paintings, noise, pictures on their way to a style, and stylized photos.

    During training of a style the loss network sees photos, paintings, and everything between: what
    the student itself takes for stylized. So painters learn from the student beside it, and a pool
    of pictures is led downhill along the student's own gradient, a step each time they are shown;
    where the student is wrong, they become examples.

    Args:
        paintings: files (``bundled:flow_field.png`` ships) or folders.
        bank: how many squares are cut from the paintings, once.
        pool: how many pictures are on their way.
        step: how far a pixel moves each time, in the mean (root of squares).
        seed: of every choice.
        painters: make the stylized photos.

    Raises:
        UserError: no such file or folder, an empty bank or pool.
    """

    def __init__(
        self,
        paintings: Sequence[str] = ("bundled:flow_field.png",),
        bank: int = 64,
        pool: int = 48,
        step: float = 0.03,
        seed: int = 0,
        painters: Painters | None = None,
    ) -> None:
        AtLeast(1).check("pictures.bank", bank)
        AtLeast(1).check("pictures.pool", pool)
        self._generator = torch.Generator().manual_seed(seed)
        files = [path for given in paintings for path in _files(given)]
        self._paintings = [shrink(load_picture(path).pixels, _MAX_SIDE) for path in files]
        self._bank_size, self._pool_size, self._step = bank, pool, step
        self._painters = painters or Painters(seed=seed)
        self._bank: Tensor | None = None
        self._pool: tuple[Tensor, Tensor] | None = None  # pictures, styles

    def bank(self, side: int) -> Tensor:
        """Squares of random scale from the paintings, (bank, 3, side, side), always the same."""
        if self._bank is None or self._bank.shape[-1] != side:
            self._bank = torch.stack([self._crop(side) for _ in range(self._bank_size)])
        return self._bank

    def draw(self, photos: Tensor) -> Shown:
        """Make a batch as large as ``photos`` (N, 3, S, S).

        An eighth each are paintings, noise, and of the pool; a quarter is made by a painter from
        others of the photos; the rest are photos as they are, as all are in a batch below eight.
        """
        count, side = len(photos), photos.shape[-1]
        ends = [count - count // 8 * eighths for eighths in (5, 4, 3, 1, 0)]
        paintings, noise, painted, pooled = (slice(*ends[i : i + 2]) for i in range(4))
        pictures, bank = photos.clone(), self.bank(side).to(photos)
        styles, contents = self._choose(self._bank_size, count), torch.arange(count).roll(1)
        pictures[paintings] = bank[self._choose(self._bank_size, count // 8)]
        pictures[noise] = self._with_noise(pictures[noise])
        if count // 8:
            sources = torch.arange(painted.stop - painted.start)
            made = self._painters.paint(photos[sources], self._bank_size)
            pictures[painted], styles[painted] = made
            contents[painted] = sources
        slots = self._slots(photos, styles, count // 8)
        assert self._pool is not None
        pictures[pooled], styles[pooled] = self._pool[0][slots], self._pool[1][slots]
        contents[pooled] = torch.arange(count)[pooled]
        return Shown(pictures, styles, contents, slots, painted)

    def learn(self, shown: Shown, gradient: Tensor) -> None:
        """Teach the painter, and lead the pool's pictures a step along the batch's ``gradient``."""
        count = len(shown.slots)
        if self._pool is None or not count:
            return
        self._painters.learn(gradient[shown.painted])
        direction = gradient[-count:]
        size = direction.square().mean((1, 2, 3), keepdim=True).sqrt()
        step = self._step * direction / size.clamp_min(torch.finfo(size.dtype).tiny)
        self._pool[0][shown.slots] = (shown.pictures[-count:] - step).clamp(0, 1)

    def _slots(self, photos: Tensor, styles: Tensor, count: int) -> Tensor:
        """Choose slots of the pool; here and there a picture in one begins anew."""
        if self._pool is None or self._pool[0].shape[-1] != photos.shape[-1]:
            sources = torch.arange(self._pool_size) % len(photos)
            self._pool = photos[sources].clone(), self._choose(self._bank_size, self._pool_size)
        slots = torch.randperm(self._pool_size, generator=self._generator)[:count]
        for slot in slots[torch.rand(len(slots), generator=self._generator) < _RESTART]:
            source = int(self._choose(len(photos), 1))
            self._pool[0][slot], self._pool[1][slot] = photos[source], styles[source]
        return slots

    def _choose(self, among: int, count: int) -> Tensor:
        return torch.randint(among, (count,), generator=self._generator)

    def _crop(self, side: int) -> Tensor:
        painting = self._paintings[int(self._choose(len(self._paintings), 1))]
        height, width = painting.shape[1:]
        scale, x, y = torch.rand(3, generator=self._generator).tolist()
        shortest = min(height, width)
        square = round(shortest * scale + min(side, shortest) * (1 - scale))
        top, left = round((height - square) * y), round((width - square) * x)
        crop = painting[:, top : top + square, left : left + square]
        return resample(crop, (side, side))

    def _with_noise(self, pictures: Tensor) -> Tensor:
        """Blends with noise of a random coarseness, from a little to nothing but noise."""
        side = pictures.shape[-1]
        blended = torch.empty_like(pictures)
        for index, picture in enumerate(pictures):
            share, coarse = torch.rand(2, generator=self._generator).tolist()
            cells = max(2, round(side ** (1 - 0.8 * coarse)))
            noise = torch.rand(1, 3, cells, cells, generator=self._generator)
            noise = F.interpolate(noise, (side, side), mode="bilinear")[0].to(picture)
            blended[index] = torch.lerp(picture, noise, share)
        return blended


def _files(given: str) -> list[Path]:
    if not given.startswith("bundled:") and Path(given).expanduser().is_dir():
        return find_photos(Path(given).expanduser())
    return [local_image(given)]
