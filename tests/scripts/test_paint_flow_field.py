import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


def test_the_style_that_ships_is_what_the_script_paints(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "paint_flow_field.py"
    subprocess.run([sys.executable, str(script), str(tmp_path / "a.png")], check=True)
    painted = np.asarray(Image.open(tmp_path / "a.png"), dtype=float)
    shipped = np.asarray(Image.open(ROOT / "src/faststyle/assets/flow_field.png"), dtype=float)
    assert np.abs(painted - shipped).mean() < 1  # Pillow's drawing may change by a pixel
