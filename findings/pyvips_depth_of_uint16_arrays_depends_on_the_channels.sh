#!/usr/bin/env bash
# Expected: pyvips.Image.new_from_array() of a uint16 numpy array, saved as PNG, keeps the 16 bits,
# for gray, gray with alpha, RGB and RGBA alike, as a uint16 array saved as TIFF does.
#
# Instead: RGB keeps 16 bits. RGBA and gray with alpha become 8 bits. Plain gray is clipped, so that
# all above 255 is white. Without an error or a warning, and the same gray array is divided by 256
# in JPEG and WebP. Passing interpretation="auto" (or "grey16", "rgb16") keeps the 16 bits in each.
#
# Seen with: pyvips 3.2.0 with pyvips-binary 8.18.7 (libvips 8.18), numpy 2.4.6.
#
# Source: without `interpretation`, an array of one band is taken as "b-w", of three as "srgb" and
# of others as "multiband", whatever its dtype; "auto" is a table by dtype (_guess_interpretation).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check pyvips==3.2.0 pyvips-binary==8.18.7 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np, pyvips
from importlib.metadata import version

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("pyvips", pyvips.__version__, "pyvips-binary", version("pyvips-binary"), "numpy", np.__version__)
ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)

def saved(channels, suffix, **kwargs):
    name = f"{channels}{'auto' if kwargs else ''}{suffix}"
    picture = ramp if channels == 1 else np.stack([ramp] * channels, -1)
    pyvips.Image.new_from_array(picture, **kwargs).write_to_file(name)
    back = pyvips.Image.new_from_file(name).numpy()
    return back.dtype.name, back.reshape(64, -1)[:, 0]

for channels, depth in ((1, "uint8"), (2, "uint8"), (3, "uint16"), (4, "uint8")):
    for suffix, kwargs, expected in ((".png", {}, depth), (".png", {"interpretation": "auto"}, "uint16"), (".tif", {}, "uint16")):
        dtype, values = saved(channels, suffix, **kwargs)
        print(f"uint16 with {channels} channels as {suffix} {kwargs or ''}: {dtype}, {ramp.ravel()[[0, 1, 20, 63]].tolist()} reads {values[[0, 1, 20, 63]].tolist()}")
        check(dtype == expected, f"{channels} channels as {suffix} {kwargs}: {dtype}")
        if channels == 1 and dtype == "uint8":
            check((values[1:] == 255).all(), "gray is no longer clipped")
dtype, values = saved(1, ".jpg")
print("gray as .jpg:", values[[0, 1, 20, 63]].tolist())
check(abs(int(values[20]) - 81) < 5, "gray is clipped in JPEG, too")
PY
