#!/usr/bin/env bash
# Expected: {"R": rgb[..., 0], "G": rgb[..., 1], "B": rgb[..., 2]}, the three planes of a numpy
# picture, is written by the OpenEXR package as those planes (or refused, as not contiguous).
#
# Instead: each plane is read from its first number on as if it were contiguous, so R, G and B all
# hold the interleaved values of the top third of the picture: three mixed, squeezed copies. The
# same for "RGB" given as a transposed CHW array. Nothing is raised; the file opens everywhere.
# Copies (np.ascontiguousarray) or the interleaved rgb itself are written right.
#
# Seen with: OpenEXR 3.5.3 with numpy 2.4.6.
#
# Source: seen by running, and in the order of the numbers that are read back.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check openexr==3.5.3 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np, OpenEXR
from importlib.metadata import version

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

def stored(channels):
    """The red plane that a file written from these channels holds."""
    header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION}
    with OpenEXR.File(header, channels) as file:
        file.write("render.exr")
    with OpenEXR.File("render.exr", separate_channels=True) as file:
        return file.channels()["R"].pixels.copy()

print("OpenEXR", version("openexr"), "numpy", np.__version__)
rgb = np.arange(6 * 5 * 3, dtype=np.float32).reshape(6, 5, 3)
red = rgb[..., 0]
chw = np.ascontiguousarray(rgb.transpose(2, 0, 1))
got = {
    "interleaved": stored({"RGB": rgb}),
    "copied planes": stored({c: rgb[..., i].copy() for i, c in enumerate("RGB")}),
    "views of planes": stored({c: rgb[..., i] for i, c in enumerate("RGB")}),
    "transposed CHW": stored({"RGB": chw.transpose(1, 2, 0)}),
}
print(f"{'red given':16}", red[0].tolist(), red[1].tolist())
for name, plane in got.items():
    print(f"{name:16}", plane[0].tolist(), plane[1].tolist(), "right" if np.array_equal(plane, red) else "WRONG")
check(np.array_equal(got["interleaved"], red) and np.array_equal(got["copied planes"], red), "contiguous arrays are not kept")
check(np.array_equal(got["views of planes"].ravel(), rgb.ravel()[:30]), "views of planes are no longer read as contiguous")
check(not np.array_equal(got["transposed CHW"], red), "a transposed array is now written right")
PY
