#!/usr/bin/env bash
# Expected: a WebM with transparency (VP9, yuva420p), as stickers and overlays are, is decoded by
# PyAV into frames with alpha, since the encoder of the same package wrote alpha and the stream says
# alpha_mode 1; or the stream says that it cannot.
#
# Instead: the frames are yuv420p, and as rgba every pixel is opaque: what was transparent shows the
# colour that happened to be under it. No warning. The decoder that PyAV takes by default is FFmpeg's
# own "vp9", which does not know alpha; the libvpx-vp9 decoder in the same wheel gives yuva420p.
#
# Seen with: av 18.1.0 with numpy 2.4.6.
#
# Source: av's codec names of the stream (vp9) and of the second decoder (libvpx-vp9), by running.
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

print("av", av.__version__, "numpy", np.__version__)
sticker = np.zeros((64, 64, 4), np.uint8)
sticker[..., 0] = 255                                   # red everywhere ...
sticker[:32, :, 3] = 255                                # ... but seen in the upper half only
with av.open("sticker.webm", "w") as file:
    stream = file.add_stream("libvpx-vp9", rate=10)
    stream.width = stream.height = 64
    stream.pix_fmt = "yuva420p"
    for _ in range(3):
        for packet in stream.encode(av.VideoFrame.from_ndarray(sticker, format="rgba")):
            file.mux(packet)
    for packet in stream.encode():
        file.mux(packet)

def alpha(frame):
    pixels = frame.to_ndarray(format="rgba")
    return frame.format.name, pixels[10, 10].tolist(), pixels[50, 10].tolist()

with av.open("sticker.webm") as file:
    stream = file.streams.video[0]
    name, mark = stream.codec_context.name, stream.metadata.get("alpha_mode")
    default = alpha(next(file.decode(stream)))
decoder = av.CodecContext.create("libvpx-vp9", "r")
with av.open("sticker.webm") as file:
    frames = [frame for packet in file.demux(video=0) for frame in decoder.decode(packet)]
other = alpha(frames[0])
print(f"stream: alpha_mode {mark}, decoder {name}: {default[0]}, shown part {default[1]}, transparent part {default[2]}")
print(f"decoder libvpx-vp9: {other[0]}, shown part {other[1]}, transparent part {other[2]}")
check(mark == "1", "the stream is not marked as one with alpha")
check(default[0] == "yuv420p" and default[2][3] == 255, "the default decoder now gives alpha")
check(other[0] == "yuva420p" and other[1][3] == 255 and other[2][3] == 0, "libvpx-vp9 gives no alpha")
PY
