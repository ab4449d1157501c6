"""How long a command takes from the shell, and how much of it is torch's own import."""

import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from PIL import Image

from benchmarks.compare import Spread
from benchmarks.work import stopwatch
from faststyle.networks import TransformNetwork
from faststyle.styles import StyleMetadata, TrainedStyle, write_style


def measure_start(rounds: int) -> dict[str, Spread]:
    """Seconds of ``import torch``, of two commands' help, and of one 64 x 64 photo, in turn.

    Args:
        rounds: how often each is run, after one run that does not count.
    """
    with tempfile.TemporaryDirectory() as folder:
        style, photo = Path(folder, "style.safetensors"), Path(folder, "photo.png")
        torch.manual_seed(0)
        write_style(TrainedStyle(TransformNetwork(), StyleMetadata(style="random")), style)
        Image.linear_gradient("L").resize((64, 64)).save(photo)
        faststyle = ["-m", "faststyle"]
        commands = {
            "import torch": ["-c", "import torch"],
            "faststyle --help": [*faststyle, "--help"],
            "faststyle stylize --help": [*faststyle, "stylize", "--help"],
            "faststyle stylize, 64 x 64": [*faststyle, "stylize", "--ckpt", str(style), str(photo)],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds + 1):
            for name, arguments in commands.items():
                with stopwatch("cpu") as lap:
                    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
                seconds[name].append(lap.seconds)
    return {name: Spread.of(values[1:]) for name, values in seconds.items()}
