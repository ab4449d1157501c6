#!/usr/bin/env bash
# Expected: two readers of one 10-bit gray JPEG XL file that both answer uint16 give the same
# numbers, or differ by a rounding step.
#
# Instead: imagecodecs answers the samples as stored (0 to 1023), pillow-jxl-plugin stretches them
# to 0 to 65535 (mode I;16): a factor of 64. Neither answer says which of the two it is; dividing by
# 65535 makes the first nearly black. imagecodecs does the same with 10-bit AVIF.
#
# Seen with: imagecodecs 2026.3.6, pillow-jxl-plugin 1.3.8, Pillow 13.0.0.
#
# Source: seen by running; imagecodecs' jpegxl_encode and avif_encode take bitspersample, its
# decoders return none.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check pillow==13.0.0 pillow-jxl-plugin==1.3.8 imagecodecs==2026.3.6 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import io
import imagecodecs, numpy as np, pillow_jxl
from PIL import Image

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("imagecodecs", imagecodecs.__version__)
ramp = np.linspace(0, 1023, 64 * 64).reshape(64, 64).round().astype(np.uint16)
data = imagecodecs.jpegxl_encode(ramp, lossless=True, bitspersample=10)
stored = imagecodecs.jpegxl_decode(data)
with Image.open(io.BytesIO(data)) as image:
    mode, stretched = image.mode, np.asarray(image)
print("imagecodecs:      ", stored.dtype, "from", stored.min(), "to", stored.max())
print("pillow-jxl-plugin:", stretched.dtype, "mode", mode, "from", stretched.min(), "to", stretched.max())
avif = imagecodecs.avif_decode(imagecodecs.avif_encode(ramp, level=100, bitspersample=10))
print("imagecodecs, AVIF:", avif.dtype, "from", avif.min(), "to", avif.max())
check(np.array_equal(stored, ramp), "imagecodecs no longer gives the stored samples")
check(mode == "I;16" and stretched.max() == 65535, "pillow-jxl-plugin no longer stretches to 65535")
check(avif.dtype == np.uint16 and avif.max() == 1023, "imagecodecs now scales 10-bit AVIF")
PY
