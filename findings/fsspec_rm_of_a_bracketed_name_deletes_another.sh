#!/usr/bin/env bash
# Expected: fs.rm("/photos/cat[1].jpg") deletes that file, whose name is a plain one (browsers name
# second downloads so), and fs.cat() of it gives its bytes.
#
# Instead: [1] is a glob. On the memory file system (and s3fs, which shares the code for it) rm
# deletes cat1.jpg, if there is one, and leaves cat[1].jpg; cat answers a dict with the content of
# cat1.jpg. exists() and open() take the name as it is, so a check before the call finds the right
# file. rm_file() and cat_file() are literal. On local files rm is literal, and cat is not.
#
# Seen with: fsspec 2026.9.0; s3fs 2026.9.0 did the same.
#
# Source: fsspec/spec.py, expand_path() (globs any path with magic characters), as used by rm() and
# cat().
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check fsspec==2026.9.0
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import os
import fsspec

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("fsspec", fsspec.__version__)
fs = fsspec.filesystem("memory")
fs.pipe_file("/photos/cat1.jpg", b"the other")
fs.pipe_file("/photos/cat[1].jpg", b"wanted")
name = "/photos/cat[1].jpg"
print("exists:", fs.exists(name), "- open:", fs.open(name).read(), "- cat_file:", fs.cat_file(name))
answer = fs.cat(name)
print("cat:   ", answer)
fs.rm(name)
left = [path.rsplit("/", 1)[1] for path in fs.ls("/photos", detail=False)]
print("after rm of cat[1].jpg the folder holds", left)
check(answer == {"/photos/cat1.jpg": b"the other"}, "cat no longer answers the other file")
check(left == ["cat[1].jpg"], "rm no longer deletes the other file")
local = fsspec.filesystem("file")
for file in ("cat1.jpg", "cat[1].jpg"):
    local.pipe_file(os.path.abspath(file), file.encode())
answer = local.cat(os.path.abspath("cat[1].jpg"))
local.rm(os.path.abspath("cat[1].jpg"))
here = sorted(file for file in os.listdir() if file.startswith("cat"))
print("local: cat answers", {os.path.basename(k): v for k, v in answer.items()}, "- after rm:", here)
check(here == ["cat1.jpg"], "local rm is no longer literal")
PY
