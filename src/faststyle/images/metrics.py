"""How near one picture comes to another, by torchmetrics, which the extra ``train`` brings."""

from torch import Tensor

#: Pixels at each border where the window of SSIM does not fit.
_RIM = 5


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio of two pictures in [0, 1], in decibels; infinite if equal."""
    from torchmetrics.functional.image import peak_signal_noise_ratio  # imports torchvision

    return peak_signal_noise_ratio(a, b, data_range=1.0).item()


def ssim(a: Tensor, b: Tensor) -> float:
    """Structural similarity (Wang et al., 2004, equation 13) of (N, C, H, W) in [0, 1].

    The mean over all places where the Gaussian window of 11 pixels fits.
    """
    from torchmetrics.functional.image import structural_similarity_index_measure

    _, places = structural_similarity_index_measure(a, b, data_range=1.0, return_full_image=True)
    return places[..., _RIM:-_RIM, _RIM:-_RIM].mean().item()
