"""Transform networks in training, whose pictures a loss network in training has to see."""

import torch
from torch import Tensor

from faststyle.core.limits import AtLeast
from faststyle.networks import TransformNetwork


class Painters:
    """Small transform networks that learn one style after another from the student's gradient.

    What a loss network will be asked about is what such networks make, and where it is wrong they
    go astray. So they learn beside it, and their pictures become its examples. They take turns, and
    keep their weights when the style changes: what they show is half of the old style by then.

    Args:
        networks: how many there are.
        steps: for how many of its turns a network learns a style.
        learning_rate: of Adam.
        seed: of the networks' weights and of the styles.

    Raises:
        UserError: a count below 1.
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
