#!/usr/bin/env bash
# Expected: Pillow's save(save_all=True, append_images=..., duration=[...]) writes the frames that
# it is given, or at least a file that lasts as long as the sum of the durations.
#
# Instead: PNG, WebP and GIF merge equal neighbours, so frame numbers of the file are not those of
# the clip, and a clip whose frames are all equal becomes a still in WebP and PNG: its duration is
# lost (WebP answers 0, PNG none at all). GIF keeps the time, AVIF keeps every frame.
#
# Seen with: Pillow 13.0.0.
#
# Source: PIL/PngImagePlugin.py, _write_multiple_frames() (no animation chunks where one frame is
# left), PIL/GifImagePlugin.py (merges and adds up); for WebP the merging is libwebp's animation
# encoder's.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check pillow==13.0.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np, PIL
from PIL import Image

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("Pillow", PIL.__version__)
TIMES = [100, 200, 300, 400]

def saved(values, suffix):
    frames = [Image.fromarray(np.full((32, 32, 3), value, np.uint8)) for value in values]
    frames[0].save("clip" + suffix, save_all=True, append_images=frames[1:], duration=TIMES)
    with Image.open("clip" + suffix) as clip:
        found = []
        for index in range(getattr(clip, "n_frames", 1)):
            clip.seek(index)
            clip.load()
            found.append(clip.info.get("duration"))
    return found

wanted = {
    ".gif": ([300, 700], [1000]),
    ".png": ([300, 700], [None]),
    ".webp": ([300, 700], [0]),
    ".avif": (TIMES, TIMES),
}
print("durations given:", TIMES)
for suffix, (pairs, still) in wanted.items():
    two, one = saved([0, 0, 200, 200], suffix), saved([80] * 4, suffix)
    print(f"{suffix:6} two pairs of equal frames: {two}; four equal frames: {one}")
    check(two == pairs and one == still, f"{suffix}: {two}, {one}")
PY
