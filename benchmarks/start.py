"""How long a command takes from the shell, and how much of it is torch's own import."""

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from PIL import Image

from benchmarks.measure import Spread, stopwatch
from faststyle.networks import TransformNetwork
from faststyle.styles import TrainedStyle, write_style


def measure_start(rounds: int) -> dict[str, Spread]:
    """Seconds of ``import torch``, of two commands' help, and of one 64 x 64 photo, in turn.

    Each is run once more before, which does not count.
    """
    with tempfile.TemporaryDirectory() as folder:
        style, photo = Path(folder, "style.safetensors"), Path(folder, "photo.png")
        torch.manual_seed(0)
        write_style(TrainedStyle(TransformNetwork()), style)
        Image.linear_gradient("L").resize((64, 64)).save(photo)
        commands = {
            "import torch": "-c 'import torch'",
            "faststyle --help": "-m faststyle --help",
            "faststyle stylize --help": "-m faststyle stylize --help",
            "faststyle stylize, 64 x 64": f"-m faststyle stylize --ckpt {style} {photo}",
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(rounds + 1):
            for name, words in commands.items():
                with stopwatch("cpu") as lap:
                    started = [sys.executable, *shlex.split(words)]
                    subprocess.run(started, check=True, capture_output=True)
                seconds[name].append(lap.seconds)
    return {name: Spread.of(values[1:]) for name, values in seconds.items()}
