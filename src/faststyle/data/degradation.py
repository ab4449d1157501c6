"""From a picture to the small one that it is to be made anew from."""

import torch
import torch.nn.functional as F
from torch import Tensor

#: Of the blur before scaling, in pixels (Johnson et al., 2016, section 4.2).
SIGMA = 1.0
_RADIUS = 4  # in standard deviations; what lies beyond is less than a gray level


def degrade(pictures: Tensor, factor: int) -> Tensor:
    """Blur by a Gaussian, scale down bicubically, and round to 8 bits, as files hold small photos.

    The blur is ``SIGMA`` pixels wide, and reflects the picture at its borders. The bicubic kernel
    is Keys' (1981) with a = -1/2, widened by the factor so that nothing aliases: that of Pillow and
    MATLAB.

    Args:
        pictures: (N, 3, H, W) in [0, 1]; H and W multiples of ``factor``, and above 4.
        factor: by how much the sides shrink.

    Returns:
        (N, 3, H / factor, W / factor), multiples of 1/255.
    """
    height, width = pictures.shape[-2:]
    size = height // factor, width // factor
    # What is to be learned from has its 8 bits, whatever precision learning takes.
    with torch.autocast(pictures.device.type, enabled=False):
        small = F.interpolate(_blurred(pictures), size, mode="bicubic", antialias=True)
    return small.clamp(0, 1).mul(255).round().div(255)


def _blurred(pictures: Tensor) -> Tensor:
    reach = round(_RADIUS * SIGMA)
    offsets = torch.arange(-reach, reach + 1, dtype=pictures.dtype, device=pictures.device)
    kernel = torch.exp(-offsets.square() / (2 * SIGMA**2))
    kernel = (kernel / kernel.sum()).expand(pictures.shape[1], 1, 1, -1)
    x = F.pad(pictures, (reach,) * 4, mode="reflect")
    x = F.conv2d(x, kernel, groups=len(kernel))
    return F.conv2d(x, kernel.transpose(2, 3), groups=len(kernel))
