import pytest
import torch

from faststyle.core.precision import widen


@pytest.mark.parametrize("short", [torch.float16, torch.bfloat16])
def test_only_short_numbers_are_widened(short: torch.dtype) -> None:
    assert widen(torch.ones(2, dtype=short)).dtype == torch.float32
    for dtype in (torch.float32, torch.float64):
        long = torch.ones(2, dtype=dtype)
        assert widen(long) is long
