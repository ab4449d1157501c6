#!/usr/bin/env bash
# Expected: frame.to_ndarray() gives an array of one's own (as cv2 does): painting into it, or
# normalizing it in place, touches neither the frame nor the frames decoded after it.
#
# Instead: for formats of one plane (gray, gray10le, gray16le, rgb24, bgr24, rgba) the array is a
# writable view of the decoder's own buffer. A codec that predicts from earlier frames then predicts
# from what was painted: with gray HEVC, later frames come out wrong. For yuv420p, yuv444p, gbrp and
# nv12 to_ndarray() copies, so code that was tested on ordinary clips meets this first on a gray
# one.
#
# Seen with: av 18.1.0.
#
# Source: PyAV av/video/frame.py, useful_array() ("creating a view that discards any padding") and
# to_ndarray(), which returns it as it is for one plane and joins or copies the planes otherwise.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check av==18.1.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import av, numpy as np

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("PyAV", av.__version__)
noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)

def encode(path, pixel_format):
    with av.open(path, "w") as out:
        stream = out.add_stream("libx265", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
        stream.options = {"x265-params": "log-level=none"}
        for shift in range(8):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, shift, axis=1), "rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())

def decode(path, paint):
    frames = []
    with av.open(path) as clip:
        for frame in clip.decode(video=0):
            array = frame.to_ndarray()
            frames.append(array.copy())            # what this frame was before anybody painted on it
            if paint:
                array[:] = 0
    return frames

spoilt = {}
for pixel_format in ("yuv420p", "gray"):
    encode("clip.mp4", pixel_format)
    clean, painted = decode("clip.mp4", False), decode("clip.mp4", True)
    spoilt[pixel_format] = [i for i in range(len(clean)) if not np.array_equal(clean[i], painted[i])]
    print(f"{pixel_format}: of {len(clean)} frames, these differ when earlier arrays were zeroed: {spoilt[pixel_format]}")
check(not spoilt["yuv420p"], "yuv420p arrays are now views, too")
check(spoilt["gray"], "gray arrays no longer reach into the decoder")
PY
