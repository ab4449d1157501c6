"""Photos in every style on one sheet: python scripts/gallery.py photos/ --output sheet.jpg."""

import argparse
from pathlib import Path

from faststyle.core.errors import UserError, report_errors


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Show photos in several styles on one sheet.")
    parser.add_argument("photos", type=Path, help="folder; a row for each photo")
    parser.add_argument("--ckpt", nargs="+", help="styles; default: all that have names")
    parser.add_argument("--output", type=Path, default=Path("gallery.jpg"))
    parser.add_argument("--size", type=int, default=512, help="short side while stylizing")
    parser.add_argument("--height", type=int, default=256, help="of a picture on the sheet")
    return parser.parse_args()


def main() -> None:
    args = parse()
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


if __name__ == "__main__":
    with report_errors():
        main()
