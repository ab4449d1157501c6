"""Damaged files, as disks, downloads and people make them."""

import os
import random
from collections.abc import Iterator

#: FUZZ=20000 pytest -k mutated tries ten times as many.
COUNT = int(os.environ.get("FUZZ", "2000"))


def mutated(content: bytes, count: int = COUNT) -> Iterator[bytes]:
    """``content`` with bytes changed, cut, doubled, left out, or lengths made absurd."""
    generator = random.Random(0)
    for _ in range(count):
        data = bytearray(content)
        for _ in range(generator.choice((1, 1, 2, 8))):
            if data:
                _damage(data, generator)
        yield bytes(data)


def _damage(data: bytearray, generator: random.Random) -> None:
    # Headers decide most.
    end = len(data) if generator.random() < 0.5 else min(len(data), 200)
    place = generator.randrange(end)
    length = min(generator.choice((1, 2, 4, 16, 256)), len(data) - place)
    part = slice(place, place + length)
    kind = generator.randrange(6)
    if kind == 0:
        data[part] = generator.randbytes(length)
    elif kind == 1:
        data[part] = b"\xff" * length
    elif kind == 2:
        data[part] = bytes(length)
    elif kind == 3:
        del data[part]
    elif kind == 4:
        data[place:place] = data[part]
    else:
        del data[place:]
