#!/usr/bin/env bash
# Expected: the language of a sound track, set by its ISO 639-2 code, is in the file that PyAV (or
# ffmpeg) writes, or an error says why not. MP4 and MKV keep "deu" and "ger", "ces" and "cze".
#
# Instead: MOV keeps one of the two codes of a language and drops the other in silence, and which
# one differs from language to language: "ger" and not "deu", but "fra" and not "fre", "ces" and
# not "cze". So a copy from MKV (which asks for "ger", "cze") or from MP4 (which asks for "deu",
# "ces") to MOV loses some languages either way.
#
# Seen with: av 18.1.0 (FFmpeg 8).
#
# Source: FFmpeg libavformat/isom.c, ff_mov_iso639_to_lang(): a table of Macintosh's languages that
# holds a mixture of codes, without a search for the other code of the language.
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

def kept(code, ending):
    name = "clip" + ending
    with av.open(name, "w") as out:
        sound = out.add_stream("pcm_s16le" if ending == ".mov" else "aac", rate=48000, layout="mono")
        sound.metadata["language"] = code
        kind = "s16" if ending == ".mov" else "fltp"
        silence = np.zeros((1, 4800), np.int16 if kind == "s16" else np.float32)
        frame = av.AudioFrame.from_ndarray(silence, format=kind, layout="mono")
        frame.sample_rate = 48000
        out.mux(sound.encode(frame) + sound.encode(None))
    with av.open(name) as clip:
        return clip.streams.audio[0].metadata.get("language") == code

print("PyAV", av.__version__)
for first, second in (("ger", "deu"), ("fra", "fre"), ("ces", "cze"), ("dut", "nld")):
    found = {ending: (kept(first, ending), kept(second, ending)) for ending in (".mov", ".mp4", ".mkv")}
    print(f"{first}, {second}: kept", found)
    check(found[".mp4"] == found[".mkv"] == (True, True), "MP4 or MKV no longer keeps both")
    check(found[".mov"] == (True, False), "MOV no longer keeps just one code of each language")
PY
