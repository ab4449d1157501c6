#!/usr/bin/env bash
# Expected: ImageOps.exif_transpose, and getexif(), act on EXIF alone. A file without EXIF keeps its
# pixels.
#
# Instead: where EXIF has no Orientation, Pillow searches the XMP packet for tiff:Orientation and
# treats it as if it were EXIF. A JPEG or WebP with nothing but XMP (as raw converters and photo
# managers write) is turned by exif_transpose and getexif()[274] answers 6, while OpenCV, which
# reads EXIF, leaves it lying.
#
# Seen with: Pillow 13.0.0, opencv-python-headless 5.0.0.93.
#
# Source: PIL/Image.py, getexif(), the part below the comment "XMP tags" (a regular expression over
# info["XML:com.adobe.xmp"] or info["xmp"]).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check pillow==13.0.0 opencv-python-headless==5.0.0.93 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import cv2, numpy as np, PIL
from PIL import Image, ImageOps

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("Pillow", PIL.__version__, "OpenCV", cv2.__version__)
XMP = (b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
       b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
       b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>')
for suffix in (".jpg", ".webp"):
    Image.new("RGB", (40, 20), "red").save("photo" + suffix, xmp=XMP)
    with Image.open("photo" + suffix) as image:
        has_exif = "exif" in image.info
        tag, turned = image.getexif().get(274), ImageOps.exif_transpose(image).size
    height, width = cv2.imread("photo" + suffix).shape[:2]
    print(f"{suffix}: EXIF in the file: {has_exif}; getexif()[274] = {tag}; "
          f"exif_transpose gives {turned}; OpenCV gives {(width, height)}")
    check(not has_exif, "the file has EXIF")
    check(tag == 6 and turned == (20, 40), suffix + " is no longer turned by its XMP")
    check((width, height) == (40, 20), "OpenCV now turns by XMP")
PY
