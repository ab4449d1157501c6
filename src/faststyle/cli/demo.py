"""``faststyle demo``: a page for stylizing photos in the browser."""

from typing import Annotated

from faststyle.cli.arguments import Device, Precision, Styles
from faststyle.core.errors import UserError
from faststyle.stylize.options import DEFAULT_PRECISION

_PORTS = 65536


def demo(
    *,
    ckpt: Styles = None,
    host: Annotated[str, "default: this machine alone"] = "127.0.0.1",
    port: Annotated[int | None, "default: the first that is free from 7860"] = None,
    root_path: Annotated[str, "of a proxy that hands on its own path", {"metavar": "/PATH"}] = "",
    device: Device = "auto",
    precision: Precision = DEFAULT_PRECISION,
) -> None:
    """Serve the page until Ctrl-C."""
    if port is not None and not 0 < port < _PORTS:
        raise UserError(f"--port is {port}; it must lie between 1 and {_PORTS - 1}")
    from faststyle.apps.demo.server import serve
    from faststyle.apps.demo.worker import ModelRegistry, WorkerPool
    from faststyle.core.devices import find_device
    from faststyle.styles.loading import resolve_styles

    styles = resolve_styles(ckpt)
    find_device(device)
    options = {"device": device, "precision": precision}
    ModelRegistry(styles, options)
    serve(WorkerPool(styles, options), host, port, root_path)
