"""How many pictures a second, where the time goes, and how much memory, of ``--engine``.

python tests/cluster/measure_bulk.py --engine ray --actors 1 2 --pictures 20000 --short-side 48
"""

import argparse
import contextlib
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from PIL import Image

from faststyle.bulk.manifest import Manifest, ShardResult
from faststyle.core.storage import Folder

_SHAPES = ((4, 3), (3, 4), (3, 2), (1, 1), (16, 9))
_POINTS = 5  # of the memory curve


def main() -> None:
    """Draw pictures, stylize them with each count of actors, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="local")
    parser.add_argument("--actors", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--short-side", type=int, default=480, help="of the pictures, in pixels")
    parser.add_argument("--ckpt", default="starry_night_small")
    parser.add_argument("--s3", action="store_true", help="in a bucket: moto's, of this machine")
    args, more = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        draw(Path(folder, "in"), args.pictures, args.short_side)
        root = upload(folder) if args.s3 else folder
        for actors in args.actors:
            out = f"{root}/out{actors}"
            words = [f"{root}/in", "--output", out, "--ckpt", args.ckpt, *more]
            words += ["--engine", args.engine, "--actors", str(actors)]
            samples = run(words)
            print(f"\n{args.engine}, {actors} actors, {args.pictures} pictures")  # noqa: T201
            show(Manifest(Folder(out)).results(), samples)


def upload(folder: str) -> str:
    """Put a folder on a server that speaks S3, which ends with this process."""
    import s3fs
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    storage = s3fs.S3FileSystem()
    storage.mkdir("bucket")
    storage.put(f"{folder}/in/", "bucket/in/", recursive=True)
    return "s3://bucket"


def draw(folder: Path, count: int, size: int) -> None:
    """Pictures of smooth random colors with some noise, in a thousand files to a folder.

    The noise makes files as large as photos' are.
    """
    for number in range(count):
        wide, high = _SHAPES[number % len(_SHAPES)]
        short = min(wide, high)
        shape = size * wide // short, size * high // short
        generator = np.random.default_rng(number)
        coarse = generator.integers(0, 255, (6, 6, 3), dtype=np.uint8)
        smooth = np.asarray(Image.fromarray(coarse).resize(shape), np.float32)
        noise = generator.normal(0, 4, smooth.shape)
        path = folder / f"{number // 1000:03d}" / f"{number:07d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray((smooth + noise).clip(0, 255).astype(np.uint8))
        picture.save(path, quality=90)


class Sample(NamedTuple):
    """At some second since 1970: the command's memory in bytes, its processes' time in seconds."""

    at: float
    memory: int
    work: float


def run(words: Sequence[str]) -> list[Sample]:
    """Stylize; returns what was seen meanwhile, every half second."""
    command = [sys.executable, "-m", "faststyle", "stylize", *words]
    samples = []
    work: dict[int, float] = {}
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            seen = psutil.Process(process.pid)
            for child in seen.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    times = child.cpu_times()
                    work[child.pid] = times.user + times.system
            samples.append(Sample(time.time(), seen.memory_info().rss, sum(work.values())))
            time.sleep(0.5)
    if process.returncode:
        sys.exit(process.returncode)
    return [sample for sample in samples if sample.memory]


def show(records: Sequence[ShardResult], samples: Sequence[Sample]) -> None:
    """Print rates from the first shard's end to the last's, shares of time, and memory."""
    first, last = records[0], records[-1]
    done = sum(map(len, records)) - len(first)
    work = at(last.at, samples).work - at(first.at, samples).work
    print(  # noqa: T201
        f"{done / (last.at - first.at):.1f} pictures a second;"
        f" {done / work:.1f} in a second of a core's time"
    )
    parts = {name: sum(record.seconds[name] for record in records) for name in first.seconds}
    whole = sum(parts.values())
    print(", ".join(f"{name} {100 * part / whole:.1f} %" for name, part in parts.items()))  # noqa: T201
    for part in range(1, _POINTS + 1):
        some = records[: max(1, len(records) * part // _POINTS)]
        actor = max(record.memory for record in some[-max(1, len(records) // 20) :])
        command = at(some[-1].at, samples).memory
        print(  # noqa: T201
            f"{sum(map(len, some)):8,} pictures: an actor {actor / 1e6:.0f} MB, the command"
            f" {command / 1e6:.0f} MB"
        )


def at(moment: float, samples: Sequence[Sample]) -> Sample:
    """What was seen nearest to a moment."""
    return min(samples, key=lambda sample: abs(sample.at - moment))


if __name__ == "__main__":
    main()
