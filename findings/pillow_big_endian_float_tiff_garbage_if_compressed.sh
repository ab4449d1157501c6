#!/usr/bin/env bash
# Expected: compression does not change what a TIFF's pixels are: Pillow reads a big-endian ("MM")
# float or 32-bit TIFF the same with and without it.
#
# Instead: uncompressed it is right; compressed (zlib, LZW, PackBits, zstd) the bytes of each value
# come out swapped: garbage floats, no error. 16-bit unsigned files are right both ways.
#
# Seen with: Pillow 13.0.0 on a little-endian machine, tifffile 2026.3.3 as the writer.
#
# Source: PIL/TiffImagePlugin.py, _setup(): "libtiff always returns the bytes in native order", and
# only the raw modes "I;16" and those ending in ";16B" or ";16L" are then changed to native;
# "F;32BF", "I;32BS" and "I;16BS" are not.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import sys
import numpy as np, PIL, tifffile
from PIL import Image

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("Pillow", PIL.__version__, "tifffile", tifffile.__version__, sys.byteorder, "endian machine")
ramp = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)

def read(data, **options):
    tifffile.imwrite("f.tif", data, photometric="minisblack", **options)
    assert np.array_equal(tifffile.imread("f.tif"), data)
    with Image.open("f.tif") as image:
        return np.asarray(image)

for data in (ramp, (ramp * 1000).astype(np.int32), (ramp * 60000).astype(np.uint16)):
    for order, word in (("<", "little"), (">", "big")):
        for compression in (None, "zlib"):
            right = np.array_equal(read(data, byteorder=order, compression=compression), data)
            print(f"{data.dtype.name:8} {word:6} endian, compression {compression}: {'right' if right else 'GARBAGE'}")
            wrong = order == ">" and compression and data.dtype != np.uint16
            check(right == (not wrong), f"{data.dtype.name} {word} {compression} is now {'right' if right else 'wrong'}")
print("first floats of the garbage:", read(ramp, byteorder=">", compression="zlib")[0, :4])
PY
