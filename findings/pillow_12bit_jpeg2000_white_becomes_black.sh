#!/usr/bin/env bash
# Expected: a color JPEG 2000 of 12 bits a channel, as scanners and digital cinema write them, opens in
# Pillow as RGB of 8 bits: white (4095) becomes 255.
#
# Instead: white becomes 0. Values are rounded as they are shifted to 8 bits, (v + 8) >> 4, and what
# comes to 256 wraps: all of 4088 to 4095 are black. Gray pictures are right, since they become I;16.
#
# Seen with: Pillow 13.0.0, files by imagecodecs 2026.3.6 (OpenJPEG), whose own decoder reads them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
    pillow==13.0.0 imagecodecs==2026.3.6 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import io
import imagecodecs, numpy as np, PIL
from PIL import Image

values = [0, 2048, 4087, 4088, 4094, 4095]
gray = np.array([values] * 6, np.uint16)

def opened(array):
    data = imagecodecs.jpeg2k_encode(
        array, level=0, bitspersample=12, reversible=True, codecformat="jp2"
    )
    if not np.array_equal(imagecodecs.jpeg2k_decode(data), array):
        raise SystemExit("CHANGED: the file does not hold what was written")
    return Image.open(io.BytesIO(data))

color = opened(np.stack([gray] * 3, -1))
found = np.asarray(color)[0, :, 0].tolist()
of_gray = np.asarray(opened(gray))[0].tolist()
print("Pillow", PIL.__version__, "imagecodecs", imagecodecs.__version__)
print("12-bit values:        ", values)
print(f"color, opened as {color.mode}: ", found)
print("gray, opened as I;16: ", of_gray)
if color.mode != "RGB" or found != [0, 128, 255, 0, 0, 0]:
    raise SystemExit("CHANGED: the brightest values of a color picture no longer wrap to 0")
if of_gray != [v << 4 for v in values]:
    raise SystemExit("CHANGED: gray pictures are no longer right")
PY
