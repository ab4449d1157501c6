#!/usr/bin/env bash
# Expected: cv2.imread turns a TIFF by its Orientation tag (or leaves it as stored with
# IMREAD_UNCHANGED and IMREAD_IGNORE_ORIENTATION), as with JPEG and PNG.
#
# Instead: for the four quarter-turn orientations (5 to 8) it returns None for every picture that is
# not square, under each of those flags, with a message on stderr only. Square test pictures pass:
# for these the turn is even made under IMREAD_UNCHANGED and IMREAD_IGNORE_ORIENTATION, which PNG
# honours.
#
# Seen with: opencv-python-headless 5.0.0.93; 4.13.0.92 does the same.
#
# Source: the message of the library: "Internal imread issue: 'original_ptr == real_mat.data' must
# be 'true'" (modules/imgcodecs/src/loadsave.cpp); opencv pull request 14609 made the TIFF decoder
# turn pictures itself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check opencv-python-headless==5.0.0.93 pillow==13.0.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import os
os.environ["OPENCV_LOG_LEVEL"] = "SILENT"
import cv2, numpy as np
from PIL import Image

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("OpenCV", cv2.__version__)
flags = {"COLOR": cv2.IMREAD_COLOR, "UNCHANGED": cv2.IMREAD_UNCHANGED,
         "IGNORE_ORIENTATION": cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION}

def shapes(height, width, orientation, suffix):
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save("photo" + suffix, exif=exif)
    read = {name: cv2.imread("photo" + suffix, flag) for name, flag in flags.items()}
    return {name: None if image is None else image.shape[:2] for name, image in read.items()}

for height, width, orientation, suffix in ((20, 40, 1, ".tif"), (20, 40, 3, ".tif"), (20, 40, 6, ".png"),
                                           (20, 40, 6, ".tif"), (20, 40, 8, ".tif"), (40, 40, 6, ".tif")):
    found = shapes(height, width, orientation, suffix)
    print(f"{height} x {width} {suffix} orientation {orientation}: {found}")
    lost = suffix == ".tif" and orientation >= 5 and height != width
    check(all((shape is None) == lost for shape in found.values()), f"{suffix} orientation {orientation}: {found}")
PY
