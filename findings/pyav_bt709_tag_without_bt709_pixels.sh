#!/usr/bin/env bash
# Expected: set stream.codec_context.colorspace (with color_primaries and color_trc) to BT.709 and
# hand RGB frames to stream.encode(): PyAV, which converts RGB to yuv420p on the way, converts with
# the matrix that the file then names.
#
# Instead: it always converts with BT.601 and writes the BT.709 tag beside it. Players, and PyAV
# itself when it reads the file back, convert with BT.709: colours shift by about 15 levels.
# Converting first, with frame.reformat(format=..., dst_colorspace="ITU709"), gives the right
# colours.
#
# Seen with: av 18.1.0 (FFmpeg libraries in its wheel).
#
# Source: PyAV av/video/codeccontext.py (the encoder calls reformatter.reformat with width, height
# and format, no colour space) and av/video/reformatter.py (a colour space not given is that of the
# frame).
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
COLOUR = (200, 30, 60)
picture = np.full((240, 320, 3), COLOUR, np.uint8)

def round_trip(tagged, convert_first):
    with av.open("clip.mp4", "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        context = stream.codec_context
        if tagged:
            context.colorspace = context.color_primaries = context.color_trc = 1     # BT.709
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            if convert_first:
                frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    with av.open("clip.mp4") as clip:
        frame = next(clip.decode(video=0))
        pixel = frame.to_ndarray(format="rgb24")[9, 9]
    return [int(v) for v in pixel], max(abs(int(a) - b) for a, b in zip(pixel, COLOUR))

untagged, plain = round_trip(False, False)
tagged, shifted = round_trip(True, False)
converted, right = round_trip(True, True)
print("RGB in:                        ", list(COLOUR))
print("no tag:                        ", untagged, "off by", plain)
print("tagged BT.709:                 ", tagged, "off by", shifted)
print("tagged, converted by reformat: ", converted, "off by", right)
check(plain <= 5 and right <= 5, "the plain or the converted clip is off by more than 5")
check(shifted >= 10, "RGB is now converted with the matrix that the tag names")
PY
