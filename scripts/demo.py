"""A page for stylizing photos in the browser: python scripts/demo.py."""

import argparse
import os

from faststyle.core.errors import UserError, report_errors


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serve a page for stylizing photos.")
    parser.add_argument("--ckpt", nargs="+", help="styles; default: all that have names")
    parser.add_argument("--host", default="127.0.0.1", help="default: this machine alone")
    parser.add_argument("--port", type=int, help="default: the first that is free from 7860")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--precision", default="auto", choices=("auto", "32", "bf16", "16"))
    return parser.parse_args()


def main() -> None:
    args = parse()
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    try:
        from faststyle.apps import demo
    except ImportError:
        raise UserError('the page needs Gradio: pip install "faststyle[demo]"') from None
    from faststyle.checkpoints.loading import resolve_styles
    from faststyle.core.devices import reuse_freed_memory

    styles = resolve_styles(args.ckpt)
    reuse_freed_memory()
    demo.serve(
        demo.build(styles, device=args.device, precision=args.precision), args.host, args.port
    )


if __name__ == "__main__":
    with report_errors():
        main()
