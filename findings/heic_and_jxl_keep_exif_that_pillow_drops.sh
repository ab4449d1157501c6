#!/usr/bin/env bash
# Expected: image.save(path) without exif= leaves EXIF (camera, GPS position) behind, whatever the
# suffix: Pillow's own formats JPEG, PNG, WebP, TIFF and AVIF all do, and "re-save to strip the
# position" rests on it.
#
# Instead: the two plug-ins write the EXIF of the opened file into .heic and .jxl without being
# asked. The position goes along.
#
# Seen with: Pillow 13.0.0, pillow-heif 1.8.1, pillow-jxl-plugin 1.3.8.
#
# Source: pillow_heif/as_plugin.py, _pil_encode_image() (info["exif"] = _exif_from_pillow(img));
# pillow_jxl/ JpegXLImagePlugin.py, _save() (exif = im.getexif() where none is given).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check pillow==13.0.0 pillow-heif==1.8.1 pillow-jxl-plugin==1.3.8
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import PIL, pillow_heif, pillow_jxl
from PIL import Image

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("Pillow", PIL.__version__, "pillow-heif", pillow_heif.__version__)
pillow_heif.register_heif_opener()
exif = Image.Exif()
exif[0x010F] = "Phone"                            # camera maker
exif.get_ifd(0x8825)[1] = "N"                     # GPS: latitude, 48 degrees north
exif.get_ifd(0x8825)[2] = (48.0, 0.0, 0.0)
Image.new("RGB", (64, 64), "red").save("photo.png", exif=exif)
kept = {}
for suffix in (".jpg", ".png", ".webp", ".tif", ".avif", ".heic", ".jxl"):
    with Image.open("photo.png") as photo:
        photo.save("copy" + suffix)
    with Image.open("copy" + suffix) as copy:
        kept[suffix] = bool(copy.getexif().get(0x010F)), bool(copy.getexif().get_ifd(0x8825))
    print(f"{suffix:6} camera kept: {kept[suffix][0]}, position kept: {kept[suffix][1]}")
for suffix, found in kept.items():
    plugin = suffix in (".heic", ".jxl")
    check(found == (plugin, plugin), f"{suffix}: {found}")
PY
