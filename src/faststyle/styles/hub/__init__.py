"""Styles on the Hugging Face Hub: fetched by ``--ckpt hf:...``, and published."""

from faststyle.styles.hub.fetch import PREFIX, fetch_style
from faststyle.styles.hub.publish import publish_folder

__all__ = ["PREFIX", "fetch_style", "publish_folder"]
