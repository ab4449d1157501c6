"""Whether runtimes paint what torch does: ``python -m benchmarks.runtimes mnn tract``.

Prints a line of JSON for each runtime and style. A cell is ``exact``, with the largest difference
in gray levels of 255; ``refused``, with what was said; or ``WRONG``.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.onnx_readers import READERS, Run
from benchmarks.settings import ASTRONAUT
from faststyle.core.errors import UserError
from faststyle.core.silence import suppress_output
from faststyle.export import BACKENDS, ExportModule, ExportOptions
from faststyle.export.export_module import ANY, MULTIPLE4, Size
from faststyle.images.files import load_picture
from faststyle.styles import TrainedStyle, find_style, load_style, open_style
from faststyle.styles.exporting import export

#: Height and width of the photos.
SIZES = ((250, 333), (256, 256), (512, 512))
#: Networks by name: ``small`` and ``johnson``, with noise and margin, of one style and mixable.
STYLES = {
    "small": "starry_night_small",
    "johnson": "starry_night",
    "small, mixable": "gallery_small",
    "johnson, mixable": "gallery",
}
#: Those that compute one size only: photos of another are given to the model for 256 x 256.
FIXED = {"executorch", "litert", "ncnn", "tract", "iree", "tinygrad", "opencv4"}
#: Gray levels of 255 up to which a picture is that of torch.
TOLERANCE = 1.0


def main() -> None:
    """Try the runtimes that are named, all that this environment has packages for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runtimes", nargs="+")
    parser.add_argument("--styles", nargs="+", choices=STYLES, default=list(STYLES))
    parser.add_argument("--folder", type=Path, help="keeps ONNX models from run to run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for label in given.styles:
            style = _open(label)
            for runtime in given.runtimes:
                row = _try_sizes(runtime, label, style, given.folder or Path(folder))
                print(json.dumps({"runtime": runtime, "style": label, **row}), flush=True)


def _open(label: str) -> TrainedStyle:
    name = STYLES[label]
    return load_style(find_style(name).path) if "mixable" in label else open_style(name)


def _try_sizes(runtime: str, label: str, style: TrainedStyle, folder: Path) -> dict[str, str]:
    exact = ExportModule(style.network, "float")
    weights = [torch.arange(1.0, exact.styles + 1)] if exact.styles else []
    loaded: dict[object, Run | str] = {}
    row = {}
    for size in SIZES:
        sizes: str | Size = MULTIPLE4 if runtime == "coreml" else ANY
        if runtime in FIXED:
            sizes = size if size[0] == size[1] else (256, 256)
        if sizes not in loaded:
            loaded[sizes] = _load(runtime, label, style, sizes, folder)
        run, photo = loaded[sizes], _photo(size)
        row["{}x{}".format(*size)] = (
            run if isinstance(run, str) else _cell(exact, run, [photo, *weights])
        )
    return row


def _load(
    runtime: str, label: str, style: TrainedStyle, sizes: str | Size, folder: Path
) -> Run | str:
    """The model, loaded by a runtime; or why not."""
    reader = READERS.get(runtime.rstrip("45"))
    kind = "onnx" if reader or runtime == "onnxruntime" else runtime
    backend = BACKENDS.build(kind)
    path = folder / f"{label.replace(', ', '-')}-{sizes}{backend.suffix}".replace(" ", "")
    try:
        if not path.exists():
            export(style, path, kind, ExportOptions("float", sizes=sizes))
        with suppress_output():
            if reader:
                return reader(path)
            model = backend.load(path)
    except Exception as error:  # the runtimes' have no common class
        return _refusal(error)
    return model.run if model else "written, not run here"


@torch.no_grad()
def _cell(exact: Callable[..., Tensor], run: Run, given: list[Tensor]) -> str:
    try:
        with suppress_output():
            found = run(*given)
    except Exception as error:
        return _refusal(error)
    expected = exact(*given)
    if found.shape != expected.shape:
        return f"WRONG: {tuple(found.shape)}"
    largest = (found - expected).abs().max().item() * 255
    return f"{'exact' if largest <= TOLERANCE else 'WRONG'} {largest:.2f}"


def _refusal(error: Exception) -> str:
    said = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    return f"refused: {' '.join(said.split())[:160]}"


def _photo(size: Size) -> Tensor:
    height, width = size
    return load_picture(ASTRONAUT).pixels[None, :, :height, :width].contiguous()


if __name__ == "__main__":
    main()
