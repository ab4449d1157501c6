import contextlib
import random
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faststyle.core.errors import UserError
from faststyle.core.torch_files import read_torch


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(seed=st.integers(0, 2**32), zipped=st.booleans(), keep=st.floats(0, 1))
def test_damage_of_any_kind_is_a_user_error_or_harmless(
    tmp_path: Path, seed: int, zipped: bool, keep: float
) -> None:
    path = tmp_path / "a.pth"
    content = {"state_dict": {"w": torch.arange(9.0)}, "steps": 3}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    damaged = bytearray(path.read_bytes())
    generator = random.Random(seed)
    if seed % 3 == 0:
        damaged = damaged[: int(len(damaged) * keep)]
    for _ in range(seed % 20):
        if damaged:
            damaged[generator.randrange(min(400, len(damaged)))] = generator.randrange(256)
    path.write_bytes(damaged)
    with contextlib.suppress(UserError):
        assert isinstance(read_torch(path), dict)


def test_what_is_no_mapping_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "a.pth")
    with pytest.raises(UserError, match="holds a list"):
        read_torch(tmp_path / "a.pth")
