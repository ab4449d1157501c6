"""``faststyle demo``: a page for stylizing photos in the browser."""

from argparse import ArgumentParser, Namespace

from faststyle.cli.arguments import add_device, add_precision, add_styles
from faststyle.core.errors import UserError

_PORTS = 65536


def add_arguments(parser: ArgumentParser) -> None:
    """Which styles, and at which address."""
    add_styles(parser)
    parser.add_argument("--host", default="127.0.0.1", help="default: this machine alone")
    parser.add_argument("--port", type=int, help="default: the first that is free from 7860")
    parser.add_argument(
        "--root-path", default="", metavar="/PATH", help="of a proxy that hands on its own path"
    )
    add_device(parser)
    add_precision(parser)


def run(args: Namespace) -> None:
    """Serve the page until Ctrl-C."""
    if args.port is not None and not 0 < args.port < _PORTS:
        raise UserError(f"--port is {args.port}; it must lie between 1 and {_PORTS - 1}")
    from faststyle.apps.demo.server import serve
    from faststyle.apps.demo.worker import ModelRegistry
    from faststyle.apps.demo.worker_pool import WorkerPool
    from faststyle.core.devices import find_device
    from faststyle.styles.loading import resolve_styles

    styles = resolve_styles(args.ckpt)
    find_device(args.device)
    options = {"device": args.device, "precision": args.precision}
    ModelRegistry(styles, options)
    serve(WorkerPool(styles, options), args.host, args.port, args.root_path)
