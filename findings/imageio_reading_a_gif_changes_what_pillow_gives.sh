#!/usr/bin/env bash
# Expected: imageio.v3.imread("a.gif") reads that file and leaves Pillow as it was: what Image.open()
# gives for other files, in other modules of the process, is as before.
#
# Instead: after one GIF was read by imageio, Pillow gives the frames of later GIFs as palette
# indices (mode P) where it gave RGB, in the whole process and for its whole life. np.asarray(frame)
# has another shape and other numbers, so the same function over the same file answers otherwise
# after an unrelated import read a GIF somewhere. Merely importing imageio changes nothing.
#
# Seen with: imageio 2.38.1, Pillow 13.0.0, av 18.1.0 as the writer of a GIF of one palette.
#
# Source: imageio/plugins/pillow.py, read(), sets PIL.GifImagePlugin.LOADING_STRATEGY, a global of
# Pillow, and does not set it back.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check imageio==2.38.1 pillow==13.0.0 av==18.1.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import av, imageio, imageio.v3 as iio, numpy as np, PIL
from PIL import GifImagePlugin, Image

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

def gif(name, shade):
    with av.open(name, "w") as file:
        stream = file.add_stream("gif", rate=10)
        stream.width = stream.height = 16
        stream.pix_fmt = "rgb8"
        for step in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((16, 16, 3), (step * 90 + 20, 40, shade), np.uint8), format="rgb24")
            for packet in stream.encode(frame.reformat(format="rgb8")):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)

def by_pillow(name):
    with Image.open(name) as image:
        image.seek(1)
        pixels = np.asarray(image)
        return image.mode, pixels.shape, pixels[0, 0].tolist()

print("imageio", imageio.__version__, "Pillow", PIL.__version__)
gif("mine.gif", 200)
gif("other.gif", 100)
before, strategy = by_pillow("mine.gif"), GifImagePlugin.LOADING_STRATEGY
iio.imread("other.gif")
after = by_pillow("mine.gif")
print("frame 1 of mine.gif by Pillow:", *before, "with", strategy.name)
print("the same after imageio read other.gif:", *after, "with", GifImagePlugin.LOADING_STRATEGY.name)
check(before[0] == "RGB" and before[1] == (16, 16, 3), "Pillow gives other frames from the start")
check(after[0] == "P" and after[1] == (16, 16), "Pillow is no longer changed")
PY
