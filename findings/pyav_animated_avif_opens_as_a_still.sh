#!/usr/bin/env bash
# Expected: av.open("clip.avif").decode(video=0), as one reads GIF, APNG and every video, gives all
# frames of an animated AVIF.
#
# Instead: it gives one frame and ends, without an error. The file has several video streams: the
# still picture that AVIF keeps for readers that know no animation comes first, and the clip after
# it. Both are marked as default. With alpha there are two of each, colour and alpha apart, so no
# stream is the whole picture. file.streams.best("video") finds the clip.
#
# Seen with: av 18.1.0, Pillow 13.0.0 as the writer (it reads all four frames).
#
# Source: seen by running; FFmpeg makes a stream of each item and of each track of the file.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check av==18.1.0 pillow==13.0.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import av, numpy as np, PIL
from PIL import Image

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("av", av.__version__, "Pillow", PIL.__version__)
noise = np.random.default_rng(0)
for mode, channels, expected in (("RGB", 3, [1, 4]), ("RGBA", 4, [1, 1, 4, 4])):
    frames = [Image.fromarray(noise.integers(0, 256, (32, 32, channels), dtype=np.uint8)) for _ in range(4)]
    frames[0].save("clip.avif", save_all=True, append_images=frames[1:], duration=[100, 200, 300, 400])
    with Image.open("clip.avif") as image:
        pillow = image.n_frames
    with av.open("clip.avif") as file:
        first = len(list(file.decode(video=0)))
    with av.open("clip.avif") as file:
        best = file.streams.best("video")
        streams, index = [stream.frames for stream in file.streams.video], best.index
        marks = [bool(stream.disposition & av.stream.Disposition.default) for stream in file.streams.video]
        found = len(list(file.decode(best)))
    print(f"{mode}: Pillow {pillow} frames; decode(video=0) {first}; streams of {streams} frames, default {marks}; best is number {index}: {found} frames")
    check(pillow == 4, "Pillow does not read the clip")
    check(first == 1 and sorted(streams) == expected, mode + ": the first stream is now the clip")
    check(found == 4, mode + ": best() does not find the clip")
PY
