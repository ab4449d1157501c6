"""How long a command takes from the shell, and how much of it is torch's own import."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image

from faststyle.benchmark.compare import Spread
from faststyle.checkpoints import StyleMetadata, TrainedStyle, write_style
from faststyle.networks import TransformNetwork


def measure_start(infer: Path, rounds: int) -> dict[str, Spread]:
    """Seconds of ``import torch``, ``infer.py --help`` and one 64 x 64 photo, in turn.

    Args:
        infer: the path of ``infer.py``.
        rounds: how often each is run, after one run that does not count.
    """
    with tempfile.TemporaryDirectory() as folder:
        style, photo = Path(folder, "style.safetensors"), Path(folder, "photo.png")
        torch.manual_seed(0)
        write_style(TrainedStyle(TransformNetwork(), StyleMetadata(style="random")), style)
        Image.linear_gradient("L").resize((64, 64)).save(photo)
        commands = {
            "import torch": ["-c", "import torch"],
            "infer.py --help": [str(infer), "--help"],
            "infer.py, 64 x 64": [str(infer), "--ckpt", str(style), str(photo)],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for number in range(rounds + 1):
            for name, arguments in commands.items():
                start = time.perf_counter()
                subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
                if number:
                    seconds[name].append(time.perf_counter() - start)
    return {name: Spread.of(values) for name, values in seconds.items()}
