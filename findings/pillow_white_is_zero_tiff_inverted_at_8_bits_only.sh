#!/usr/bin/env bash
# Expected: a gray TIFF whose PhotometricInterpretation is WhiteIsZero (0), as scanners write them,
# opens in Pillow with white as white at 8 and at 16 bits alike.
#
# Instead: Pillow inverts the 8-bit file and not the 16-bit one, which opens as a negative. The
# file's tag is in im.tag_v2[262], but nothing else tells.
#
# Seen with: Pillow 13.0.0, tifffile 2026.3.3 as the writer (tifffile itself never inverts).
#
# Source: PIL/TiffImagePlugin.py, OPEN_INFO: photometric 0 at 8 bits maps to raw mode "L;I"
# (inverted), at 16 bits to plain "I;16".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np, PIL, tifffile
from PIL import Image

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("Pillow", PIL.__version__, "tifffile", tifffile.__version__)
corner = {}
for dtype in (np.uint8, np.uint16):
    top = np.iinfo(dtype).max
    page = np.zeros((8, 8), dtype)                 # WhiteIsZero: this is a white sheet ...
    page[4:] = top                                 # ... whose lower half is black
    tifffile.imwrite("scan.tif", page, photometric="miniswhite")
    with Image.open("scan.tif") as image:
        pixels = np.asarray(image)
        print(f"{dtype.__name__}: tag 262 = {image.tag_v2[262]}, mode {image.mode}, white half reads {pixels[0, 0]} of {top}")
        corner[dtype] = pixels[0, 0]
check(corner[np.uint8] == 255, "8-bit WhiteIsZero is no longer inverted")
check(corner[np.uint16] == 0, "16-bit WhiteIsZero is now inverted")
PY
