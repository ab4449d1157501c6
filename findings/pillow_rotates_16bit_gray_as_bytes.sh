#!/usr/bin/env bash
# Expected: Image.rotate and Image.transform of a 16-bit gray picture (mode I;16, as 16-bit PNG and
# TIFF files open) with BILINEAR or BICUBIC interpolate the 16-bit values, as Image.resize does, or
# raise "image has wrong mode", as Image.reduce and the filters do.
#
# Instead: they interpolate single bytes and write 8-bit results into half of each row: a nearly
# black, squeezed picture. Nothing is raised. NEAREST is right.
#
# Seen with: Pillow 13.0.0.
#
# Source: Pillow src/libImaging/Geometry.c, getfilter(): NEAREST looks at im->type, BILINEAR and
# BICUBIC take the 8-bit filter for every image whose image8 is set, and that of I;16 is. The report
# in issue 1127 (2015) is closed.
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
flat = Image.fromarray(np.full((64, 64), 40000, np.uint16))
print("a flat 16-bit picture of 40000, mode", flat.mode)
middle = (slice(24, 40), slice(24, 40))           # far from the corners that a rotation fills
results = {}
for name in ("NEAREST", "BILINEAR", "BICUBIC"):
    results[name] = np.asarray(flat.rotate(10, getattr(Image.Resampling, name)))[middle]
    print(f"rotate(10, {name}): middle from {results[name].min()} to {results[name].max()}")
resized = np.asarray(flat.resize((80, 80), Image.Resampling.BICUBIC))
print("resize(BICUBIC): from", resized.min(), "to", resized.max())
check((resized == 40000).all(), "resize of I;16 is no longer right")
check((results["NEAREST"] == 40000).all(), "NEAREST rotation of I;16 is no longer right")
for name in ("BILINEAR", "BICUBIC"):
    check((results[name] != 40000).all() , name + " rotation of I;16 is now right")
PY
