from pathlib import Path

from faststyle.styles import write_style
from faststyle.styles.catalog import SHIPPED
from tests.commands import run_command
from tests.several import STYLES, several_styles


def test_the_styles_that_ship_and_the_folders_own_are_listed(tmp_path: Path) -> None:
    write_style(several_styles(), tmp_path / "checkpoints" / "all.safetensors")
    listed = run_command("styles", cwd=tmp_path)
    assert (listed.returncode, listed.stderr) == (0, "")
    names = {line.split(": ")[0] for line in listed.stdout.splitlines()}
    inside = {"udnie", "gallery_small:udnie"} | {str(style.style) for style in STYLES}
    assert SHIPPED - {"gallery", "gallery_small"} | inside <= names
