"""A page on which visitors stylize photos of their own: drop a photo, choose a style."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr

from faststyle.checkpoints.catalog import label
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


def build(styles: Sequence[str], **options: Any) -> gr.Blocks:
    """The page.

    Args:
        styles: names or files of styles, the first of which is chosen at first.
        options: for :meth:`Stylizer.load`.
    """
    files = {label(style): style for style in styles}

    @cache
    def stylizer(name: str) -> Stylizer:
        return Stylizer.load(files[name], **options)

    def stylize(
        photo: str | None, style: str, size: float, strength: float, preserve_color: bool
    ) -> tuple[tuple[str, str], str]:
        if photo is None:
            raise gr.Error("Choose a photo first.")
        try:
            options = StylizeOptions(
                size=int(size), strength=strength, preserve_color=preserve_color
            )
            picture = load_picture_bytes(Path(photo), MAX_PIXELS)
            small = options.scale(Picture(picture.pixels))
            [result] = stylizer(style).stylize([small], replace(options, size=None))
        except UserError as error:
            # Nothing of the server's paths is the visitor's business.
            raise gr.Error(str(error).replace(photo, "the photo")) from None
        folder = Path(tempfile.mkdtemp(dir=gr.utils.get_upload_folder()))
        before, after = folder / "photo.png", folder / f"{stylizer(style).name}.png"
        # Files, since Gradio writes equal pictures of two visitors to one, even while it is sent.
        save_picture(small, before)
        save_picture(result, after)
        return (str(before), str(after)), str(after)

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
                choices = [(name.replace("_", " "), name) for name in files]
                style = gr.Dropdown(choices, value=next(iter(files)), label="Style")
                strength = gr.Slider(0, 1, value=1, step=0.05, label="Strength")
                least, usual, most = SIZES
                size = gr.Slider(least, most, value=usual, step=8, label="Short side in pixels")
                color = gr.Checkbox(label="Keep the photo's colors")
                button = gr.Button("Stylize", variant="primary")
            with gr.Column():
                result = gr.ImageSlider(label="Before and after", interactive=False)
                download = gr.DownloadButton("Download")
        wishes: list[Any] = [photo, style, size, strength, color]
        button.click(stylize, wishes, [result, download], api_name="stylize")
        style.input(stylize, wishes, [result, download], api_visibility="private")
    # One at a time: a pass uses every core.
    page.queue(default_concurrency_limit=1, max_size=_WAITING)
    return page


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
