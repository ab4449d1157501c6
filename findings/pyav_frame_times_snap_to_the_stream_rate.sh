#!/usr/bin/env bash
# Expected: a frame's pts and time_base say when it shows. An MKV, whose own clock counts
# milliseconds, keeps frames set at 0, 100, 110 and 1000 ms, whatever rate= add_stream() was given:
# rate is a hint for constant-rate clips.
#
# Instead: rate= is also the encoder's clock. Times are rounded to multiples of 1/rate (24 frames a
# second if none is given): GIFs and phone clips of variable rate come out with shifted frames.
# Setting codec_context.time_base before the first frame keeps the times.
#
# Seen with: av 18.1.0.
#
# Source: PyAV av/container/output.py, add_stream() (rate or 24 becomes the framerate of the codec
# context), and av/video/codeccontext.py; the time base that follows from it was seen by running.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check av==18.1.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
from fractions import Fraction
import av, numpy as np

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("PyAV", av.__version__)
TIMES = [0, 100, 190, 1000]                       # milliseconds

def times(rate, clock=None):
    with av.open("clip.mkv", "w") as out:
        stream = out.add_stream("ffv1", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        if clock:
            stream.codec_context.time_base = clock
        for index, time in enumerate(TIMES):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), index, np.uint8), "rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    with av.open("clip.mkv") as clip:
        return [round(frame.time * 1000) for frame in clip.decode(video=0)]

found = {"rate=25": times(25), "no rate": times(None), "rate=25, codec_context.time_base = 1/1000": times(25, Fraction(1, 1000))}
print("frames set at", TIMES)
for label, got in found.items():
    print(f"{label}: {got}")
check(found["rate=25"] != TIMES and all(t % 40 == 0 for t in found["rate=25"]), "rate=25 no longer rounds to 40 ms")
check(found["no rate"] != TIMES, "the default rate no longer rounds")
check(found["rate=25, codec_context.time_base = 1/1000"] == TIMES, "an explicit time base no longer keeps the times")
PY
