#!/usr/bin/env bash
# Expected: ImageCms.createProfile("sRGB") is the same profile each time, so a picture saved twice
# with icc_profile=ImageCmsProfile(createProfile("sRGB")).tobytes() is the same file twice, as it is
# without a profile.
#
# Instead: the profile holds the second at which it was made, so the bytes of PNG, JPEG, WebP, AVIF
# and TIFF files change from one second to the next, and with them hashes, ETags and the names of
# content-addressed stores, while pixels and all other bytes are equal. Within a second they are
# equal, so a test that saves twice in a row passes. Make the profile once and keep its bytes.
#
# Seen with: Pillow 13.0.0.
#
# Source: an ICC header holds the time of creation in bytes 24 to 35; littlecms writes the clock
# there.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check pillow==13.0.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import hashlib, io, struct, time
import numpy as np, PIL
from PIL import Image, ImageCms

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("Pillow", PIL.__version__)
picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8))

def profile():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

def digest(suffix, **kwargs):
    out = io.BytesIO()
    picture.save(out, suffix, **kwargs)
    return hashlib.sha256(out.getvalue()).hexdigest()[:12]

time.sleep(1.02 - time.time() % 1)                      # just after a second begins
early, early_again = profile(), profile()
time.sleep(1)
late = profile()
differing = [i for i, (one, other) in enumerate(zip(early, late)) if one != other]
print("made at", struct.unpack(">6H", early[24:36]), "and at", struct.unpack(">6H", late[24:36]), "(UTC)")
print("bytes that differ:", differing, "of", len(early))
check(early == early_again, "two profiles of one second differ")
check(len(early) == len(late) and differing and min(differing) >= 24 and max(differing) <= 35, "the time is no longer in the profile")
for suffix in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF"):
    plain, one, other = digest(suffix), digest(suffix, icc_profile=early), digest(suffix, icc_profile=late)
    print(f"{suffix}: without profile {plain}, {digest(suffix)}; with it {one}, a second later {other}")
    check(plain == digest(suffix) and one != other, suffix + ": files no longer differ by the time")
PY
