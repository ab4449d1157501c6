"""``faststyle gallery photos/ --output sheet.jpg``: photos in every style on one sheet."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from faststyle.cli.arguments import add_styles
from faststyle.core.errors import UserError


def add_arguments(parser: ArgumentParser) -> None:
    """Which photos, in which styles."""
    parser.add_argument("photos", type=Path, help="folder; a row for each photo")
    add_styles(parser)
    parser.add_argument("--output", type=Path, default=Path("gallery.jpg"))
    parser.add_argument("--size", type=int, default=512, help="short side while stylizing")
    parser.add_argument("--height", type=int, default=256, help="of a picture on the sheet")


def run(args: Namespace) -> None:
    """Write the sheet."""
    from faststyle.checkpoints.catalog import label
    from faststyle.checkpoints.loading import resolve_styles
    from faststyle.core.devices import reuse_freed_memory
    from faststyle.data.folder import find_photos
    from faststyle.inference.options import StylizeOptions
    from faststyle.inference.stylizer import Stylizer
    from faststyle.pictures.contact_sheet import contact_sheet
    from faststyle.pictures.files import format_of, load_picture, save_picture

    if min(args.size, args.height) < 1:
        raise UserError("--size and --height must be at least 1")
    format_of(args.output)
    reuse_freed_memory()
    names = resolve_styles(args.ckpt)
    stylizers = {label(name): Stylizer.load(name, precision="auto") for name in names}
    options = StylizeOptions(size=args.size)
    rows = []
    for path in find_photos(args.photos):
        photo = load_picture(path)
        shown = [(s.stylize([photo], options)[0].pixels, n) for n, s in stylizers.items()]
        rows.append([(photo.pixels, path.stem), *shown])
    save_picture(contact_sheet(rows, args.height), args.output)
    print(args.output)
