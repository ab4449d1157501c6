"""What is shown while a picture is optimized: a bar with the terms, TensorBoard, snapshots."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import NoReturn

from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from faststyle.images.files import save_picture
from faststyle.images.pixels import Picture
from faststyle.losses import LossTerms


class Progress(AbstractContextManager["Progress"]):
    """Counts iterations, draws the curve of every term, and keeps numbered pictures in ``folder``.

    ``done`` of the ``total`` were done by an earlier run; its curve is continued from there.
    """

    def __init__(self, folder: Path, total: int, done: int = 0) -> None:
        self.folder = folder
        self.done = done
        self._writer = SummaryWriter(str(folder), purge_step=done + 1 if done else None)
        self._bar: tqdm[NoReturn] = tqdm(total=total, initial=done, unit="it", disable=None)

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        self._writer.close()

    def iteration(self, terms: LossTerms) -> None:
        """One more iteration, after which the loss consists of ``terms``."""
        self.done += 1
        for name, value in terms.flat().items():
            self._writer.add_scalar(f"optimize/{name}", value.item(), self.done)
        shown = {name: f"{value.item():.4g}" for name, value in terms.summary().items()}
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update()

    def snapshot(self, pixels: Tensor, number: int) -> None:
        """Keep the picture (3, H, W) of an iteration as a numbered file and in TensorBoard."""
        self.done = number  # an optimizer that finds nothing more to do makes fewer iterations
        self._bar.n = number
        save_picture(Picture(pixels.cpu()), self.folder / "snapshots" / f"{self.done:05}.png")
        self._writer.add_image("picture", pixels, self.done)
        self._writer.flush()
