"""An exported model as if it were a transform network: what ``stylize --ckpt`` runs."""

from threading import Lock

import torch
from torch import Tensor, nn

from faststyle.export.backend import LoadedModel
from faststyle.export.pixels import BYTES, Pixels
from faststyle.images.pixels import quantize, resample, to_unit
from faststyle.networks import pad_to_multiple


class ExportedNetwork(nn.Module):
    """A model that another runtime computes, on the CPU, as if it were a transform network.

    Args:
        model: takes and gives (N, 3, H, W), uint8 or floats. If it has a size, pictures of others
            are scaled, there and back.
        pixels: the range of a model of floats.
    """

    def __init__(self, model: LoadedModel, pixels: Pixels = BYTES) -> None:
        super().__init__()
        self.model = model
        self.pixels = pixels
        self._running = Lock()  # OpenVINO's requests are not for several threads

    def forward(self, images: Tensor) -> Tensor:
        """Stylize ``images`` (N, 3, H, W; RGB in [0, 1]); the result has the same shape."""
        height, width = images.shape[-2:]
        size = self.model.size
        if size is not None:
            made = (self.run(resample(image, size)[None])[0] for image in images)
            return torch.stack([resample(image, (height, width)) for image in made])
        # Others' models make pictures of other sizes where a side is no such multiple.
        return self.run(pad_to_multiple(images, minimum=8))[..., :height, :width]

    def run(self, images: Tensor) -> Tensor:
        """Stylize (N, 3, H, W) in [0, 1], of a size that the model takes as it is."""
        photos = images.cpu().float()
        given = quantize(photos) if self.takes_bytes else self.pixels.encode(photos)
        stylized = self._ordered(self.compute(self._ordered(given)))
        if not stylized.is_floating_point():
            return to_unit(stylized).to(images)
        return self.pixels.decode(stylized.float()).to(images)

    def _ordered(self, values: Tensor) -> Tensor:
        return values.flip(1) if self.model.blue_first else values

    @property
    def takes_bytes(self) -> bool:
        """Whether the model's input is of uint8."""
        return self.model.dtype == torch.uint8

    def compute(self, photos: Tensor) -> Tensor:
        """What the model itself makes of the numbers ``photos``."""
        try:
            with self._running:
                return self.model.run(photos.to(self.model.dtype).contiguous())
        except Exception as error:  # the runtimes' have no common class
            raise RuntimeError(str(error)) from None
