"""A page on which visitors stylize photos of their own: drop a photo, choose a style."""

import html
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import gradio as gr

from faststyle.apps.sample import sample_address
from faststyle.checkpoints.catalog import label
from faststyle.checkpoints.loading import styles_beside
from faststyle.core.errors import UserError
from faststyle.inference.options import StylizeOptions
from faststyle.inference.stylizer import Stylizer
from faststyle.pictures.files import load_picture_bytes, save_picture
from faststyle.pictures.picture import Picture

#: What a visitor may send: bytes of a file, and pixels, which a small file can have many of.
MAX_BYTES = 20_000_000
MAX_PIXELS = 25_000_000
#: The short side of what is stylized, in pixels.
SIZES = (128, 512, 1080)
#: Visitors who may wait; to more the page says that it is busy.
_WAITING = 64
_HOUR = 3600
#: Width below which a slider would leave its frame, in pixels.
_SLIDER = 170


class _Shelf:
    """The styles of the page, each loaded when it is first wanted, and files of several by name."""

    def __init__(self, styles: Sequence[str], options: Mapping[str, Any]) -> None:
        self.given = {label(style): style for style in styles}
        self.mixable: dict[str, tuple[Path, Sequence[str]]] = {}
        for found, names in map(styles_beside, styles):
            if names:
                self.mixable[found.path.stem] = found.path, names
        self._load = cache(partial(Stylizer.load, **options))
        self._load_mixable = cache(partial(Stylizer.load, **options))  # each of which changes

    def one(self, name: str) -> Stylizer:
        """A style by its label."""
        stylizer: Stylizer = self._load(self.given[name])
        return stylizer

    def mixed(self, file: str, weights: Sequence[float]) -> Stylizer:
        """A mixture of the styles of a file."""
        path, names = self.mixable[file]
        stylizer: Stylizer = self._load_mixable(f"{path}:{names[0]}")
        stylizer.mix(dict(zip(names, weights, strict=True)))
        return stylizer


def build(styles: Sequence[str], **options: Any) -> gr.Blocks:
    """The page.

    Args:
        styles: names or files of styles, the first of which is chosen at first. If one is of a file
            of several styles, these can be mixed.
        options: for :meth:`Stylizer.load`.
    """
    shelf = _Shelf(styles, options)

    def stylize(
        photo: str | None, style: str, size: float, strength: float, preserve_color: bool
    ) -> tuple[tuple[str, str], str]:
        return _answer(lambda: shelf.one(style), photo, size, strength, preserve_color)

    page: gr.Blocks
    with gr.Blocks(title="faststyle", analytics_enabled=False, delete_cache=(_HOUR, _HOUR)) as page:
        gr.Markdown("# faststyle\nA photo in the style of a painting, in one pass of a network.")
        with gr.Row():
            with gr.Column():
                photo = gr.Image(
                    label="Photo", sources=["upload", "webcam", "clipboard"], type="filepath"
                )
                # Gradio would decode it, whatever its size.
                photo.preprocess = _path  # type: ignore[assignment,method-assign]
                strength = gr.Slider(0, 1, value=1, step=0.05, label="Strength")
                least, usual, most = SIZES
                size = gr.Slider(least, most, value=usual, step=8, label="Short side in pixels")
                color = gr.Checkbox(label="Keep the photo's colors")
                with gr.Tab("One style"):
                    choices = [(_words(name), name) for name in shelf.given]
                    style = gr.Dropdown(choices, value=next(iter(shelf.given)), label="Style")
                    button = gr.Button("Stylize", variant="primary")
                mixers = [_mixer(shelf, file) for file in shelf.mixable]
            with gr.Column():
                result = gr.ImageSlider(label="Before and after", interactive=False)
                download = gr.DownloadButton("Download")
        # One at a time, of all visitors: a pass uses every core, and a mixture is set before it.
        shown: dict[str, Any] = {"outputs": [result, download], "concurrency_id": "pass"}
        wishes: list[Any] = [photo, style, size, strength, color]
        button.click(stylize, wishes, api_name="stylize", **shown)
        style.input(stylize, wishes, api_visibility="private", **shown)
        for file, sliders, mix in mixers:
            given: list[Any] = [photo, size, strength, color, *sliders]
            mix.click(partial(_mix, shelf, file), given, api_name=f"mix_{file}", **shown)
    page.queue(default_concurrency_limit=1, max_size=_WAITING)
    return page


def _mixer(shelf: _Shelf, file: str) -> tuple[str, list[gr.Slider], gr.Button]:
    """A tab with a slider for each style of a file, beside what the style does to a sample."""
    _, names = shelf.mixable[file]
    sliders = []
    with gr.Tab("A mixture" if len(shelf.mixable) == 1 else f"A mixture of {_words(file)}"):
        with gr.Row():
            for number, name in enumerate(names):
                with gr.Column(min_width=_SLIDER):
                    one_hot = [float(each == name) for each in names]
                    # Inside the page: a file of its own would be deleted as visitors' are.
                    sample = sample_address(shelf.mixed(file, one_hot))
                    gr.HTML(f'<img src="{sample}" alt="{html.escape(_words(name))}">')
                    first = float(number == 0)
                    sliders.append(
                        gr.Slider(0, 1, value=first, step=0.05, label=_words(name), buttons=[])
                    )
        mix = gr.Button("Stylize the mixture", variant="primary")
    return file, sliders, mix


def _mix(
    shelf: _Shelf,
    file: str,
    photo: str | None,
    size: float,
    strength: float,
    preserve_color: bool,
    *weights: float,
) -> tuple[tuple[str, str], str]:
    return _answer(lambda: shelf.mixed(file, weights), photo, size, strength, preserve_color)


def _answer(
    choose: Callable[[], Stylizer],
    photo: str | None,
    size: float,
    strength: float,
    preserve_color: bool,
) -> tuple[tuple[str, str], str]:
    """Files of the photo and of its stylized version, and the latter once more to be fetched."""
    if photo is None:
        raise gr.Error("Choose a photo first.")
    try:
        stylizer = choose()
        options = StylizeOptions(
            size=int(size), strength=strength, preserve_color=preserve_color, max_pixels=MAX_PIXELS
        )
        picture = load_picture_bytes(Path(photo), MAX_PIXELS, int(size))
        small = options.scale(Picture(picture.pixels))
        [result] = stylizer.stylize([small], replace(options, size=None))
    except UserError as error:
        # Nothing of the server's paths is the visitor's business.
        raise gr.Error(str(error).replace(photo, "the photo")) from None
    folder = Path(tempfile.mkdtemp(dir=gr.utils.get_upload_folder()))
    before, after = folder / "photo.png", folder / f"{stylizer.name}.png"
    # Files, since Gradio writes equal pictures of two visitors to one, even while it is sent.
    save_picture(small, before)
    save_picture(result, after)
    return (str(before), str(after)), str(after)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _path(file: Any) -> str | None:
    return None if file is None else file.path


def serve(page: gr.Blocks, host: str = "127.0.0.1", port: int | None = None, **more: Any) -> None:
    """Answer visitors until interrupted.

    Args:
        page: what :func:`build` returned.
        host: the address to listen on; the default is reachable from this machine only.
        port: none takes the first that is free from 7860.
        more: for ``Blocks.launch``.

    Raises:
        UserError: the address or port cannot be had.
    """
    theme = gr.themes.Default(font="system-ui", font_mono="monospace")  # fetches none
    try:
        page.launch(
            server_name=host,
            server_port=port,
            max_file_size=MAX_BYTES,
            allowed_paths=[],
            footer_links=[],
            theme=theme,
            ssr_mode=False,
            share=False,
            **more,
        )
    except OSError:
        where = f"{host}, port {port}" if port else host
        raise UserError(f"cannot listen on {where}; choose another --port or --host") from None
