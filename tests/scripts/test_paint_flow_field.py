from pathlib import Path

import numpy as np
from PIL import Image

from tests.commands import run_script
from tests.places import ASSETS


def test_the_style_that_ships_is_what_the_script_paints(tmp_path: Path) -> None:
    assert run_script("paint_flow_field", tmp_path / "a.png").returncode == 0
    painted = np.asarray(Image.open(tmp_path / "a.png"), dtype=float)
    shipped = np.asarray(Image.open(ASSETS / "flow_field.png"), dtype=float)
    assert np.abs(painted - shipped).mean() < 1  # Pillow's drawing may change by a pixel
