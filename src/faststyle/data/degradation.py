"""From a picture to the small one that it is to be made anew from."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

#: Of the blur before scaling, in pixels (Johnson et al., 2016, section 4.2).
SIGMA = 1.0
_RADIUS = 4  # in standard deviations; what lies beyond is less than a gray level


def degrade(pictures: Tensor, factor: int) -> Tensor:
    """Blur by a Gaussian, scale down bicubically, and round to 8 bits, as files hold small photos.

    The blur is ``SIGMA`` pixels wide, and reflects the picture at its borders. The bicubic kernel
    is Keys' (1981) with a = -1/2, widened by the factor so that nothing aliases: that of Pillow and
    MATLAB.

    Pictures are (N, 3, H, W) in [0, 1], with sides that are multiples of ``factor``, and above 4;
    the result is (N, 3, H / factor, W / factor), multiples of 1/255.
    """
    height, width = pictures.shape[-2:]
    size = height // factor, width // factor
    # What is to be learned from has its 8 bits, whatever precision learning takes.
    with torch.autocast(pictures.device.type, enabled=False):
        blurred = gaussian_blur(pictures, 2 * round(_RADIUS * SIGMA) + 1, SIGMA)
        small = F.interpolate(blurred, size, mode="bicubic", antialias=True)
    return small.clamp(0, 1).mul(255).round().div(255)
