"""``faststyle publish starry_night owner/name``: a style on the Hugging Face Hub, with its card."""

import shutil
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from faststyle.core.errors import UserError

_SAMPLE_QUALITY = 90


def publish(
    ckpt: Annotated[str, "a style's name or file, or a mixture, as --ckpt takes it"],
    repository: Annotated[str, "owner/name; made if it is not there yet"],
    *,
    license: Annotated[str | None, "of the weights: mit, cc-by-4.0, cc0-1.0, ..."] = None,
    private: Annotated[bool, "a new one is seen by you alone"] = False,
    output: Annotated[
        Path | None, "write what would be uploaded to this new folder instead"
    ] = None,
) -> None:
    """Write the card and a sample, and upload them with the checkpoint."""
    # Imported late: --help should not wait for torch.
    from faststyle.core.devices import reuse_freed_memory
    from faststyle.styles.hub import PREFIX, publish_folder
    from faststyle.styles.hub.fetch import parse_address

    address = parse_address(PREFIX + repository)
    if address.path_in_repo or address.revision:
        raise UserError(f"{repository} is no repository: write owner/name")
    if output and output.exists() and any(output.iterdir()):
        raise UserError(f"{output} has files in it: name a new folder")
    reuse_freed_memory()
    with ExitStack() as stack:
        folder = output or Path(stack.enter_context(TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        _prepare(ckpt, folder, address.id, license)
        if license is None:
            print("the card names no license, so others may not use the style: --license mit, ...")
        if output:
            print(f"{folder}: {', '.join(sorted(file.name for file in folder.iterdir()))}")
            return
        published = publish_folder(folder, address.id, private)
    for name in published.replaced:
        print(f"{name} is replaced; the repository's history has the old one")
    if published.kept_card:
        print("README.md was there already and stays; --output shows what it would say")
    print(published.address)


def _prepare(ckpt: str, folder: Path, repository: str, license: str | None) -> None:
    """Write checkpoint, sample and card."""
    from faststyle.apps.sample import sample_sheet
    from faststyle.images.files import save_picture
    from faststyle.styles import StyleMetadata, find_style, load_style, write_style
    from faststyle.styles.hub.publish import CARD, write_card
    from faststyle.styles.mixture import choose
    from faststyle.styles.style_file import read_metadata

    found = find_style(ckpt)
    style = load_style(found.path)
    if found.mix:
        style = choose(style, found.mix)
    is_ready = found.path.suffix == ".safetensors" and not found.mix
    name = None if is_ready else style.metadata.style  # checkpoints of training are called alike
    file = folder / f"{StyleMetadata(name or found.path.stem).name}.safetensors"
    if is_ready:
        shutil.copyfile(found.path, file)
    else:
        write_style(style, file)
    sample = folder / f"{file.stem}.sample.jpg"
    save_picture(sample_sheet(style), sample, quality=_SAMPLE_QUALITY)
    card = write_card(read_metadata(file), file, repository, license, sample.name)
    (folder / CARD).write_text(card, encoding="utf-8")
