"""``faststyle gallery photos/ --output sheet.jpg``: photos in every style on one sheet."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from faststyle.cli.arguments import add_styles
from faststyle.core.errors import UserError, problem

#: What a file says that it is, besides being ours.
_SHEET = "gallery"


def add_arguments(parser: ArgumentParser) -> None:
    """Which photos, in which styles."""
    parser.add_argument("photos", type=Path, help="folder; a row for each photo")
    add_styles(parser)
    parser.add_argument("--output", type=Path, default=Path("gallery.jpg"))
    parser.add_argument("--size", type=int, default=512, help="short side while stylizing")
    parser.add_argument("--height", type=int, default=256, help="of a picture on the sheet")


def run(args: Namespace) -> None:
    """Write the sheet."""
    from faststyle.core.atomic import check_target
    from faststyle.core.devices import reuse_freed_memory
    from faststyle.images.contact_sheet import contact_sheet
    from faststyle.images.files import load_picture, save_picture
    from faststyle.images.folders import find_pictures
    from faststyle.images.formats import format_of
    from faststyle.images.probe import is_ours
    from faststyle.styles.catalog import label
    from faststyle.styles.loading import resolve_styles
    from faststyle.stylize.options import RenderOptions
    from faststyle.stylize.stylizer import Stylizer

    if min(args.size, args.height) < 1:
        raise UserError("--size and --height must be at least 1")
    format_of(args.output)
    if not args.photos.is_dir():
        raise UserError(f"no such photo folder: {args.photos}")
    # A sheet of an earlier run, in the folder of the photos, is none of them.
    photos = [p for p in find_pictures(args.photos).pictures if not is_ours(p, _SHEET)]
    if not photos:
        raise UserError(f"{args.photos} holds no pictures")
    check_target(args.output, photos)
    reuse_freed_memory()
    names = resolve_styles(args.ckpt)
    labels = [label(name) for name in names]
    stylizers = {
        short if labels.count(short) == 1 else name: Stylizer.load(name, precision="auto")
        for name, short in zip(names, labels, strict=True)
    }
    options = RenderOptions(size=args.size)
    rows = []
    for path in photos:
        try:
            photo = load_picture(path).with_depth(8)
            shown = [(s.process([photo], options)[0].pixels, n) for n, s in stylizers.items()]
        except Exception as error:  # whatever one photo brings about, others may follow
            print(f"error: {problem(error, path)}", file=sys.stderr)
            continue
        rows.append([(photo.pixels, path.stem), *shown])
    if not rows:
        raise UserError(f"none of the {len(photos)} pictures in {args.photos} could be stylized")
    save_picture(contact_sheet(rows, args.height), args.output, kind=_SHEET)
    print(args.output)
    if len(rows) < len(photos):
        raise UserError(f"{len(photos) - len(rows)} of {len(photos)} pictures are missing in it")
