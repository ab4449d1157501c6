#!/usr/bin/env bash
# Expected: `mnnconvert`, the command of the wheel mnn, converts a model and leaves the machine's
# packages as they are.
#
# Instead: if aliyun-log-python-sdk is not installed, it runs `pip install -U aliyun-log-python-sdk`
# through the shell: by the first pip of PATH, which is that of another Python where the environment
# is not activated, so that another installation changes, and the
# next call tries it again. Even `--help` does so. The package is for reports to a server about each
# conversion. Calling the extension module below it, `_tools.mnnconvert([...])`, does neither.
#
# Here a stand-in for pip writes down what it is asked for and installs nothing.
#
# Seen with: MNN 3.6.1.
#
# Source: MNN/tools/mnnconvert.py imports MNN/tools/utils/log.py, which calls os.system("pip install ...").
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check mnn==3.6.1 numpy==2.4.6
mkdir "$work/elsewhere"
printf '#!/bin/sh\necho "pip $*" >> "%s/asked"\n' "$work" > "$work/elsewhere/pip"
chmod +x "$work/elsewhere/pip"
cd "$work"
export PATH="$work/elsewhere:$PATH"
echo "MNN $("$work/venv/bin/python" -c 'from importlib.metadata import version; print(version("mnn"))')"
"$work/venv/bin/python" -c 'import MNN, _tools; _tools.mnnconvert(["mnnconvert", "--version"])' > /dev/null 2>&1 || true
if [ -e asked ]; then echo "CHANGED: the extension module asks pip, too"; exit 1; fi
echo "_tools.mnnconvert: pip was not called"
"$work/venv/bin/mnnconvert" --version > /dev/null 2>&1 || true
if [ ! -e asked ]; then echo "CHANGED: mnnconvert no longer calls pip"; exit 1; fi
echo "mnnconvert --version: $(sort -u asked)"
grep -q "install -U aliyun-log-python-sdk" asked || { echo "CHANGED: mnnconvert asks for another package"; exit 1; }
