"""How many pictures a second, where the time goes, and how much memory, of ``--engine``.

python tests/cluster/measure_bulk.py --engine ray --actors 1 2 --pictures 20000 --size 64
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from faststyle.core.storage import Folder
from faststyle.inference.bulk.manifest import Manifest, Record

_SHAPES = ((4, 3), (3, 4), (3, 2), (1, 1), (16, 9))
_POINTS = 5  # of the memory curve


def main() -> None:
    """Draw pictures, stylize them with each count of actors, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="local")
    parser.add_argument("--actors", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--size", type=int, default=480, help="short side in pixels")
    parser.add_argument("--ckpt", default="starry_night_small")
    args, more = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        photos = draw(Path(folder, "in"), args.pictures, args.size)
        for actors in args.actors:
            out = Path(folder, f"out{actors}")
            words = [str(photos), "--output", str(out), "--ckpt", args.ckpt, *more]
            words += ["--engine", args.engine, "--actors", str(actors)]
            memory = run(words)
            print(f"\n{args.engine}, {actors} actors, {args.pictures} pictures")  # noqa: T201
            show(Manifest(Folder(str(out))).records(), memory)


def draw(folder: Path, count: int, size: int) -> Path:
    """Pictures of smooth random colors, in a thousand files to a folder."""
    for number in range(count):
        wide, high = _SHAPES[number % len(_SHAPES)]
        short = min(wide, high)
        coarse = np.random.default_rng(number).integers(0, 255, (6, 6, 3), dtype=np.uint8)
        path = folder / f"{number // 1000:03d}" / f"{number:07d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(coarse).resize((size * wide // short, size * high // short))
        picture.save(path, quality=90)
    return folder


def run(words: Sequence[str]) -> list[int]:
    """Stylize; returns the command's own memory, in bytes, each second."""
    command = [sys.executable, "-m", "faststyle", "stylize", *words]
    memory = []
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            memory.append(psutil.Process(process.pid).memory_info().rss)
            time.sleep(1)
    if process.returncode:
        sys.exit(process.returncode)
    return [each for each in memory if each]


def show(records: Sequence[Record], memory: Sequence[int]) -> None:
    """Print the rate from the first shard's end to the last's, shares of time, and memory."""
    first, last = records[0], records[-1]
    done = sum(map(len, records)) - len(first)
    rate = done / (last.at - first.at)
    parts = {name: sum(record.seconds[name] for record in records) for name in first.seconds}
    whole = sum(parts.values())
    shares = ", ".join(f"{name} {100 * part / whole:.1f} %" for name, part in parts.items())
    print(f"{rate:.1f} pictures a second; {shares}")  # noqa: T201
    for part in range(1, _POINTS + 1):
        some = records[: max(1, len(records) * part // _POINTS)]
        count = sum(map(len, some))
        window = [record.memory for record in some[-max(1, len(records) // 20) :]]
        here = memory[: max(1, len(memory) * part // _POINTS)][-1]
        print(  # noqa: T201
            f"{count:8,} pictures: an actor {max(window) / 1e6:.0f} MB, the command"
            f" {here / 1e6:.0f} MB"
        )


if __name__ == "__main__":
    main()
