#!/usr/bin/env bash
# Expected: image.save(path, exif=image.getexif()), the idiom that Pillow documents for keeping
# EXIF, gives a HEIC that shows as the turned photo it came from, as it does for JPEG, WebP, AVIF,
# PNG and TIFF.
#
# Instead: with an Image.Exif object the HEIC lies on its side for good: no rotation is written in
# the container, and pillow-heif resets the EXIF tag to 1 as it opens the file. With the same EXIF
# as bytes (exif.tobytes()), or with no exif= at all, the photo stands upright.
#
# Seen with: pillow-heif 1.8.1, Pillow 13.0.0.
#
# Source: pillow_heif/as_plugin.py, _pil_encode_image() (takes exif= as given), and
# pillow_heif/misc.py, _get_orientation(): it calls .startswith on what should be bytes, and a bare
# "except Exception: pass" hides that.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check pillow==13.0.0 pillow-heif==1.8.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import PIL, pillow_heif
from PIL import Image, ImageOps

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("pillow-heif", pillow_heif.__version__, "Pillow", PIL.__version__)
pillow_heif.register_heif_opener()
exif = Image.Exif()
exif[274] = 6                                     # shown upright it is 48 wide and 96 high
Image.new("RGB", (96, 48), "red").save("photo.jpg", exif=exif)

def shown(suffix, **options):
    with Image.open("photo.jpg") as photo:
        photo.load()
        photo.save("copy" + suffix, **{k: v(photo.getexif()) for k, v in options.items()})
    with Image.open("copy" + suffix) as copy:
        return ImageOps.exif_transpose(copy).size

found = {
    "webp, exif=Exif object": shown(".webp", exif=lambda e: e),
    "avif, exif=Exif object": shown(".avif", exif=lambda e: e),
    "heic, no exif=": shown(".heic"),
    "heic, exif=bytes": shown(".heic", exif=lambda e: e.tobytes()),
    "heic, exif=Exif object": shown(".heic", exif=lambda e: e),
}
for label, size in found.items():
    print(f"{label}: shown {size[0]} x {size[1]}")
for label, size in found.items():
    lies = label == "heic, exif=Exif object"
    check(size == ((96, 48) if lies else (48, 96)), f"{label} is now shown {size}")
PY
