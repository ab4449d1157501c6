"""Every runtime on every network: ``make test-runtimes``, before a release.

Each group of runtimes gets an environment in ``.venv-runtimes``, which sees the packages of the one
that this runs in, so that torch is there once. Then the tests of export run there, and
:mod:`benchmarks.runtimes`, whose table is printed. The status is 0 if every cell is exact or
refused.
"""

import argparse
import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".venv-runtimes"


class Environment(NamedTuple):
    """Packages that go together, and the runtimes that they bring."""

    packages: tuple[str, ...]
    runtimes: tuple[str, ...]


ENVIRONMENTS = {
    "phones": Environment(
        ("mnn>=3.6", "ncnn>=1.0.20260526", "pnnx>=20260526", "onnxslim", "tract"),
        ("onnxruntime", "openvino", "mnn", "ncnn", "onnxslim", "tract"),
    ),
    "opencv4": Environment(("opencv-python-headless<5",), ("opencv4",)),
    "opencv5": Environment(("opencv-python-headless>=5",), ("opencv5",)),
    "iree": Environment(("iree-base-compiler", "iree-base-runtime"), ("iree",)),
    "coreml": Environment(("coremltools>=9",), ("coreml",)),
    "executorch": Environment(("executorch>=1.5", "torchao>=0.18"), ("executorch",)),
    "litert": Environment(
        ("litert-torch>=0.10", "ai-edge-litert>=2.3", "ai-edge-quantizer>=0.10"), ("litert",)
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "environments", nargs="*", help=f"default: all of {', '.join(ENVIRONMENTS)}"
    )
    parser.add_argument("--styles", nargs="+", default=[])
    parser.add_argument("--only-table", action="store_true", help="leave out the tests")
    given = parser.parse_args()
    failed, rows = [], []
    for name in given.environments or ENVIRONMENTS:
        python = _make(name)
        if not given.only_table:
            tests = [python, "-m", "pytest", "-q", "-p", "no:xdist", "tests/export"]
            if subprocess.run(tests, cwd=ROOT, check=False).returncode:
                failed.append(f"tests/export in {name}")
        models = FOLDER / "models"
        models.mkdir(exist_ok=True)
        words = [*ENVIRONMENTS[name].runtimes, "--folder", str(models)]
        styles = ["--styles", *given.styles] if given.styles else []
        command = [python, "-W", "ignore", "-m", "benchmarks.runtimes", *words, *styles]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        rows += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode:
            failed.append(f"benchmarks.runtimes in {name}")
    for row in rows:
        print(" | ".join(row.values()))
    failed += [f"{row['runtime']}, {row['style']}" for row in rows if "WRONG" in str(row)]
    sys.exit("failed: " + "; ".join(failed) if failed else 0)


def _make(name: str) -> str:
    folder = FOLDER / name
    python = str(folder / "bin" / "python")
    if not (folder / "ready").exists():
        venv.create(folder, with_pip=True)
        packages = f"python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
        shared = folder / "lib" / packages / "zz_shared.pth"  # behind the environment's own
        shared.write_text(f"{sysconfig.get_path('purelib')}\n{ROOT / 'src'}\n")
        pip = [python, "-m", "pip", "install", "--quiet", *ENVIRONMENTS[name].packages]
        subprocess.run(pip, check=True)
        (folder / "ready").touch()
    return python


if __name__ == "__main__":
    main()
