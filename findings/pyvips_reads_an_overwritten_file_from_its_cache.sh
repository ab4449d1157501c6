#!/usr/bin/env bash
# Expected: pyvips.Image.new_from_file(path) reads the file that is there now, since it was opened,
# used and dropped before and its size or time has changed, all the more if pyvips itself wrote it.
#
# Instead: within one process, the second new_from_file() of a path gives the picture of the first,
# though the file was written anew by another library or by pyvips' own write_to_file() in between.
# A loop that stylizes into one preview file and reads it back sees its first picture for ever.
# revalidate=True, another path, pyvips.cache_set_max(0), new_from_buffer() and Image.thumbnail()
# of the path see the new file.
#
# Seen with: pyvips 3.2.0 with pyvips-binary 8.18.7 (libvips 8.18), Pillow 13.0.0.
#
# Source: libvips keeps the results of its latest operations by their arguments; for a loader, these
# are the name and options, not the file's time or size (hence the option revalidate).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check pyvips==3.2.0 pyvips-binary==8.18.7 numpy==2.4.6 pillow==13.0.0
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import PIL, pyvips
from importlib.metadata import version
from PIL import Image

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("pyvips", pyvips.__version__, "pyvips-binary", version("pyvips-binary"), "Pillow", PIL.__version__)

def level(image):
    return round(image.avg())

for suffix in (".png", ".jpg", ".webp", ".tif"):
    path = "preview" + suffix
    Image.new("RGB", (64, 64), (40, 40, 40)).save(path)
    first = level(pyvips.Image.new_from_file(path))
    Image.new("RGB", (96, 64), (200, 200, 200)).save(path)
    again = pyvips.Image.new_from_file(path)
    size, second = (again.width, again.height), level(again)
    del again
    by_buffer = level(pyvips.Image.new_from_buffer(open(path, "rb").read(), ""))
    small = level(pyvips.Image.thumbnail(path, 32))
    fresh = level(pyvips.Image.new_from_file(path, revalidate=True))
    print(f"{suffix}: first {first}; written anew, 96x64 of 200, reads {second} at {size}; buffer {by_buffer}, thumbnail {small}, revalidate {fresh}")
    check(first == second == 40 and size == (64, 64), suffix + ": the new file is read")
    check(by_buffer == small == fresh == 200, suffix + ": the other ways no longer see the new file")

own = "own.png"
(pyvips.Image.black(8, 8) + 10).cast("uchar").write_to_file(own)
first = level(pyvips.Image.new_from_file(own))
(pyvips.Image.black(8, 8) + 90).cast("uchar").write_to_file(own)
second = level(pyvips.Image.new_from_file(own))
print("written twice by pyvips: first", first, "second", second)
check(first == second == 10, "a file that pyvips wrote anew is read")
PY
