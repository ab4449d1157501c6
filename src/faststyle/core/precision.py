"""Arithmetic in enough digits."""

import torch
from torch import Tensor


def widen(x: Tensor) -> Tensor:
    """``x`` in float32 if its dtype is shorter, for sums that would overflow or lose digits."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
