"""``faststyle webcam --ckpt starry_night_small``: a camera's pictures in a style, live."""

import os
from typing import Annotated

from faststyle.cli.arguments import Device, Precision, Styles
from faststyle.core.errors import UserError
from faststyle.core.limits import InRange
from faststyle.stylize.options import DEFAULT_PRECISION, RenderOptions


def webcam(
    *,
    ckpt: Styles = None,
    source: Annotated[int | str, "number of a camera, clip, or address"] = 0,
    size: Annotated[int, "short side while stylizing", InRange(1, unit="pixel")] = 360,
    device: Device = "auto",
    precision: Precision = DEFAULT_PRECISION,
) -> None:
    """Show a window until it is closed."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # what goes wrong is said below
    try:
        from faststyle.apps.webcam import KEYS, Live, show_live
    except ModuleNotFoundError:
        raise
    except ImportError as error:  # a library of the system's that OpenCV wants
        raise UserError(f"OpenCV, which shows the window, does not load: {error}") from None
    from faststyle.core.devices import reuse_freed_memory
    from faststyle.styles.loading import resolve_styles

    names = resolve_styles(ckpt)
    reuse_freed_memory()
    print(KEYS)
    print(", ".join(f"{number}: {name}" for number, name in enumerate(names, start=1)))
    loading = {"device": device, "precision": precision}
    print(f"{show_live(Live(names, RenderOptions(size), loading=loading), source)} frames shown")
