#!/usr/bin/env bash
# Expected: saving the same tensors with the same metadata gives the same bytes, so that a hash of
# the file names its content (caches, ETags, reproducible builds). The tensors do come out sorted.
#
# Instead: the order of the metadata keys in the header is drawn anew for each save, even within one
# process, so the hash changes from save to save as soon as there are several keys. With one key the
# file is stable.
#
# Seen with: safetensors 0.8.0.
#
# Source: safetensors/src/tensor.rs (the metadata is a Rust HashMap<String, String>, and serialized
# as it iterates).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import hashlib, json, struct
import numpy as np, safetensors
from safetensors.numpy import save

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("safetensors", safetensors.__version__)
tensors = {"a": np.zeros(3, np.float32), "b": np.ones(2, np.float32)}
many = {key: "1" for key in ("style", "author", "licence", "epochs", "size", "network", "version", "mean")}

def hashes(metadata):
    found = {}
    for _ in range(12):
        data = save(tensors, metadata=metadata)
        header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
        found[hashlib.sha256(data).hexdigest()[:12]] = list(header["__metadata__"])
    return found

several, single = hashes(many), hashes({"style": "candy"})
for digest, keys in list(several.items())[:3]:
    print(digest, keys)
print("12 saves with 8 metadata keys:", len(several), "hashes; with 1 key:", len(single))
check(len(single) == 1, "files with one metadata key differ")
check(len(several) > 1, "files with several metadata keys are now the same")
PY
