import math

import pytest
import torch

from faststyle.images.hdr import HLG, PQ, compress, from_hlg, from_pq, tone_map


@pytest.mark.parametrize(("signal", "light"), [(0.0, 0), (0.5081, 100), (0.7518, 1000), (1, 10000)])
def test_pq_means_the_light_that_its_standard_says(signal: float, light: float) -> None:
    found = from_pq(torch.tensor([signal], dtype=torch.float64)).item()
    assert found == pytest.approx(light, rel=2e-3, abs=1e-6)


@pytest.mark.parametrize(("signal", "light"), [(0.0, 0), (0.75, 203), (1.0, 1000)])
def test_hlg_means_the_light_that_its_standard_says(signal: float, light: float) -> None:
    found = from_hlg(torch.full((1, 1, 3), signal, dtype=torch.float64))
    assert found.flatten().tolist() == pytest.approx([light] * 3, rel=5e-3, abs=1e-3)


def test_light_up_to_the_knee_stays_and_the_peak_is_the_brightest() -> None:
    light = torch.linspace(0, 1000 / 203, 1001, dtype=torch.float64)
    found = compress(light)
    assert torch.equal(found[light <= 0.5], light[light <= 0.5])
    assert (found.diff() > 0).all()
    assert found[-1].item() == pytest.approx(1)
    assert found.diff().diff().abs().max() < 1e-4, "without a corner"


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_grays_stay_gray_and_their_order_stays(transfer: int) -> None:
    signal = torch.linspace(0, 1, 64)[None, :, None].expand(1, -1, 3)
    shown = tone_map(signal, transfer, primaries=9)
    assert (shown.amax(-1) - shown.amin(-1)).max() < 0.02
    assert (shown[0, :, 0].diff() >= 0).all()
    assert math.isclose(shown.max().item(), 1, abs_tol=1e-3)


def test_colors_that_ordinary_screens_have_not_are_bounded() -> None:
    shown = tone_map(torch.rand(8, 8, 3, generator=torch.Generator().manual_seed(0)), PQ, 9)
    assert shown.min() >= 0
    assert shown.max() <= 1
