import pytest
import torch
from skimage.metrics import structural_similarity

from faststyle.images.metrics import psnr, ssim


def test_the_signal_to_noise_ratio_is_its_formula() -> None:
    assert psnr(torch.zeros(3, 4, 4), torch.full((3, 4, 4), 0.1)) == pytest.approx(20)
    assert psnr(torch.ones(3, 4, 4), torch.ones(3, 4, 4)) == float("inf")


def test_structural_similarity_is_that_of_scikit_image() -> None:
    a, b = torch.rand(2, 1, 1, 40, 33, generator=torch.Generator().manual_seed(0)).double()
    b = 0.7 * a + 0.3 * b
    whole = structural_similarity(  # type: ignore[no-untyped-call]
        *(a[0, 0].numpy(), b[0, 0].numpy()),
        gaussian_weights=True,
        use_sample_covariance=False,
        data_range=1.0,
        full=True,
    )[1]
    assert ssim(a, b) == pytest.approx(whole[5:-5, 5:-5].mean(), rel=1e-4)
    assert ssim(a, a) == pytest.approx(1)
