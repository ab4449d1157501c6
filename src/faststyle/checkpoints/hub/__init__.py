"""Styles on the Hugging Face Hub: fetched by ``--ckpt hf:...``, and published."""

from faststyle.checkpoints.hub.address import PREFIX
from faststyle.checkpoints.hub.fetch import fetch_style
from faststyle.checkpoints.hub.publish import publish_folder

__all__ = ["PREFIX", "fetch_style", "publish_folder"]
