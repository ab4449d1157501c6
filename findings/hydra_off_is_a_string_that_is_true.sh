#!/usr/bin/env bash
# Expected: "amp: off" in a config file and "amp=off" on Hydra's command line mean the same, since
# Hydra reads both with OmegaConf: False.
#
# Instead: the file's is a bool, the command line's the string "off", and "if cfg.amp:" then
# switches it on. Likewise on, yes and no; and 0x10, 010, 1:30 and .inf are numbers in the file (16,
# 8, 90, infinity) and strings on the command line, while nan and inf are the reverse.
# OmegaConf.from_dotlist agrees with the file. Only a field of a structured config that is typed
# bool takes the string right.
#
# Seen with: hydra-core 1.3.8, omegaconf 2.3.1.
#
# Source: Hydra documentation, "Basic Override syntax"
# (website/docs/advanced/override_grammar/basic.md): its grammar's BOOL is true and false alone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check hydra-core==1.3.8 omegaconf==2.3.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import pathlib
import hydra, omegaconf
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

def check(ok, line):
    if not ok:
        raise SystemExit("CHANGED: " + line)

print("hydra-core", hydra.__version__, "omegaconf", omegaconf.__version__)
folder = pathlib.Path("conf").absolute()
folder.mkdir()
(folder / "train.yaml").write_text("amp: true\n")
print(f"{'text':8}{'in the file':16}{'command line':16}from_dotlist")
with initialize_config_dir(str(folder), version_base=None):
    for word in ("true", "off", "no", "on", "yes", "0x10", "010", "1:30", ".inf", "inf", "1e-4"):
        file = OmegaConf.create(f"amp: {word}").amp
        line = compose("train", [f"amp={word}"]).amp
        dots = OmegaConf.from_dotlist([f"amp={word}"]).amp
        print(f"{word:8}{file!r:16}{line!r:16}{dots!r}")
        if word in ("true", "1e-4"):
            check(file == line == dots, f"{word} differs")
        elif word == "inf":
            check(isinstance(file, str) and isinstance(line, float), "inf is read otherwise")
        else:
            check(file == dots and not isinstance(file, str), f"{word} in a file is read otherwise")
            check(line == word, f"{word} on the command line is no longer a string")
    print("bool(cfg.amp) for amp=off:", bool(compose("train", ["amp=off"]).amp))
PY
