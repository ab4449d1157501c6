"""``faststyle gallery photos/ --output sheet.jpg``: photos in every style on one sheet."""

import sys
from pathlib import Path
from typing import Annotated

from faststyle.cli.arguments import Styles
from faststyle.core.errors import UserError, problem

#: What a file says that it is, besides being ours.
_SHEET = "gallery"


def gallery(
    photos: Annotated[Path, "folder; a row for each photo"],
    *,
    ckpt: Styles = None,
    output: Path = Path("gallery.jpg"),
    size: Annotated[int, "short side while stylizing"] = 512,
    height: Annotated[int, "of a picture on the sheet"] = 256,
) -> None:
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

    if min(size, height) < 1:
        raise UserError("--size and --height must be at least 1")
    format_of(output)
    if not photos.is_dir():
        raise UserError(f"no such photo folder: {photos}")
    # A sheet of an earlier run, in the folder of the photos, is none of them.
    paths = [path for path in find_pictures(photos).pictures if not is_ours(path, _SHEET)]
    if not paths:
        raise UserError(f"{photos} holds no pictures")
    check_target(output, paths)
    reuse_freed_memory()
    names = resolve_styles(ckpt)
    labels = [label(name) for name in names]
    stylizers = {
        short if labels.count(short) == 1 else name: Stylizer.load(name, precision="auto")
        for name, short in zip(names, labels, strict=True)
    }
    options = RenderOptions(size=size)
    rows = []
    for path in paths:
        try:
            photo = load_picture(path).with_depth(8)
            shown = [(s.process([photo], options)[0].pixels, n) for n, s in stylizers.items()]
        except Exception as error:  # whatever one photo brings about, others may follow
            print(f"error: {problem(error, path)}", file=sys.stderr)
            continue
        rows.append([(photo.pixels, path.stem), *shown])
    if not rows:
        raise UserError(f"none of the {len(paths)} pictures in {photos} could be stylized")
    save_picture(contact_sheet(rows, height), output, kind=_SHEET)
    print(output)
    if len(rows) < len(paths):
        raise UserError(f"{len(paths) - len(rows)} of {len(paths)} pictures are missing in it")
