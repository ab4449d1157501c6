#!/usr/bin/env bash
# Expected: save_file makes a file as open(path, "wb") does: mode 0666 less the umask (0644 here),
# and a file that is saved over keeps its mode. So a server under another account can read a style
# that was just trained.
#
# Instead: from 0.8.0 on every file has mode 0600, whatever the umask, and saving over a shared file
# takes the others' right to read it away. The file also gets a new inode.
#
# Seen with: safetensors 0.8.0 (0.7.0 wrote 0644).
#
# Source: github.com/safetensors/safetensors issue 782 and pull request 764 (writes a temporary
# file, which has mode 0600, and renames it).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import os, stat
import numpy as np, safetensors
from safetensors.numpy import save_file

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)

print("safetensors", safetensors.__version__)
os.umask(0o022)
open("plain.bin", "wb").close()
save_file({"w": np.zeros(3, np.float32)}, "style.safetensors")
fresh = mode("style.safetensors")
print("umask 0022: open() makes", oct(mode("plain.bin")), "- save_file makes", oct(fresh))
os.chmod("style.safetensors", 0o664)
inode = os.stat("style.safetensors").st_ino
save_file({"w": np.ones(3, np.float32)}, "style.safetensors")
again = mode("style.safetensors")
print("after chmod 0664 and saving over it:", oct(again), "- same inode:", inode == os.stat("style.safetensors").st_ino)
check(mode("plain.bin") == 0o644, "open() does not make 0644 here")
check(fresh == 0o600, f"a new file has mode {oct(fresh)}")
check(again == 0o600, f"a file saved over has mode {oct(again)}")
PY
