#!/usr/bin/env bash
# Expected: Pillow opens an uncompressed 16-bit RGB TIFF in planar layout (PlanarConfiguration 2,
# one plane a channel), which the TIFF standard allows, as it opens the chunky one: mode RGB, the
# upper 8 bits of each value. Or it refuses.
#
# Instead: it opens without a word and reads each 16-bit plane as 8-bit samples: low and high bytes
# become neighbouring pixels. The same picture compressed (zlib) or at 8 bits is right.
#
# Seen with: Pillow 13.0.0, tifffile 2026.3.3 as the writer and as the reader to compare with.
#
# Source: PIL/TiffImagePlugin.py, _setup(): for planar files tile_rawmode = rawmode[layer], that is
# the letter "R" of "RGB;16L", an 8-bit raw mode.
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
y, x = np.mgrid[0:32, 0:32]
rgb = np.stack([x * 2000, y * 2000, (x + y) * 1000], -1).astype(np.uint16)
wanted = (rgb >> 8).astype(int)

def worst(**options):
    data = rgb if options.get("planarconfig") == "contig" else np.ascontiguousarray(rgb.transpose(2, 0, 1))
    tifffile.imwrite("p.tif", data, photometric="rgb", **options)
    assert np.array_equal(tifffile.imread("p.tif"), data)
    with Image.open("p.tif") as image:
        return image.mode, int(np.abs(np.asarray(image).astype(int) - wanted).max())

for label, options in {
    "chunky": dict(planarconfig="contig"),
    "planar, zlib": dict(planarconfig="separate", compression="zlib"),
    "planar": dict(planarconfig="separate"),
}.items():
    mode, error = worst(**options)
    print(f"{label:13} mode {mode}, greatest error {error} of 255")
    if label == "planar":
        check(error > 50, "an uncompressed planar 16-bit TIFF is now read right")
    else:
        check(error == 0, label + " is no longer read right")
PY
