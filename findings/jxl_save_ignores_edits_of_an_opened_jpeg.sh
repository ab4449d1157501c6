#!/usr/bin/env bash
# Expected: image.save("x.jxl") writes the pixels that the image holds. If a JPEG is opened, painted
# on in place (paste, putpixel, ImageDraw) and saved, the paint is in the file, as with every other
# format.
#
# Instead: pillow-jxl-plugin goes back to the JPEG file on disk and transcodes that: the paint is
# gone. It prints a UserWarning about "JPEG reconstruction", which speaks of losslessness, not of
# lost edits. A copy() first, or lossless_jpeg=False, saves the painted pixels.
#
# Seen with: pillow-jxl-plugin 1.3.8, Pillow 13.0.0.
#
# Source: pillow_jxl/JpegXLImagePlugin.py, _save(): for im.format == "JPEG" it encodes
# open(im.filename).read().
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check pillow==13.0.0 pillow-jxl-plugin==1.3.8
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
from importlib.metadata import version
import pillow_jxl
from PIL import Image, ImageDraw

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("pillow-jxl-plugin", version("pillow-jxl-plugin"), "Pillow", version("pillow"))
Image.new("RGB", (64, 64), "red").save("photo.jpg", quality=95)

def painted(suffix, copy=False, **options):
    with Image.open("photo.jpg") as image:
        if copy:
            image = image.copy()
        ImageDraw.Draw(image).rectangle((0, 0, 63, 63), fill="lime")
        image.save("out" + suffix, **options)
    with Image.open("out" + suffix) as saved:
        red, green, _ = saved.convert("RGB").getpixel((32, 32))
    return green > red

found = {".png": painted(".png"), ".webp": painted(".webp"), ".jxl": painted(".jxl"),
         ".jxl after copy()": painted(".jxl", copy=True), ".jxl lossless_jpeg=False": painted(".jxl", lossless_jpeg=False)}
for label, kept in found.items():
    print(f"{label}: paint kept: {kept}")
    check(kept == (label != ".jxl"), f"{label} paint kept: {kept}")
PY
