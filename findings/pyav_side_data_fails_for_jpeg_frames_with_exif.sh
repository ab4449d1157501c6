#!/usr/bin/env bash
# Expected: frame.side_data gives what PyAV knows of a frame's side data (rotation, stereo, HDR
# metadata), and leaves out what it does not know.
#
# Instead: one entry of a kind that PyAV's enum lacks makes the whole property raise ValueError. FFmpeg
# 8 attaches the EXIF of JPEG frames, so side_data fails for every Motion JPEG clip whose camera
# writes EXIF into its frames. Pixels decode right, and frame.rotation can still be read.
#
# Seen with: av 18.1.0 (FFmpeg 8), Pillow 13.0.0.
#
# Source: PyAV av/sidedata/sidedata.py, _SideDataContainer.__init__() and Type(self.ptr.type).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check av==18.1.0 pillow==13.0.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import io
from fractions import Fraction
import av
from PIL import Image

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

def seen(**options):
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 40, 60)).save(file, "JPEG", **options)
    with av.open("clip.avi", "w") as out:
        video = out.add_stream("mjpeg", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuvj420p"
        packet = av.Packet(file.getvalue())
        packet.pts = packet.dts = 0
        packet.time_base, packet.stream = Fraction(1, 10), video
        out.mux(packet)
    with av.open("clip.avi") as clip:
        frame = next(clip.decode(video=0))
        check(abs(frame.to_ndarray(format="rgb24")[20, 20, 0] - 200.0) < 8, "the pixels are wrong")
        try:
            return f"{len(frame.side_data)} entries"
        except ValueError as error:
            return f"ValueError: {error}"

exif = Image.Exif()
exif[0x010F] = "A camera"
print("PyAV", av.__version__)
plain, with_exif = seen(), seen(exif=exif)
print("side_data of a JPEG frame:", plain)
print("side_data of a JPEG frame with EXIF:", with_exif)
check("entries" in plain, "side_data of a plain frame can no longer be read")
check(with_exif.startswith("ValueError"), "side_data of a frame with EXIF can be read")
PY
