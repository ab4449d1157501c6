"""Where the parts of a checkout are that tests reach for."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / "configs"
SCRIPTS = ROOT / "scripts"
ASSETS = ROOT / "src" / "faststyle" / "assets"
