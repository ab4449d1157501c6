import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from tests.places import ASSETS, SCRIPTS


def test_the_style_that_ships_is_what_the_script_paints(tmp_path: Path) -> None:
    script = [sys.executable, str(SCRIPTS / "paint_flow_field.py"), str(tmp_path / "a.png")]
    subprocess.run(script, check=True)
    painted = np.asarray(Image.open(tmp_path / "a.png"), dtype=float)
    shipped = np.asarray(Image.open(ASSETS / "flow_field.png"), dtype=float)
    assert np.abs(painted - shipped).mean() < 1  # Pillow's drawing may change by a pixel
