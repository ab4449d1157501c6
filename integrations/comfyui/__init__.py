"""faststyle's nodes for ComfyUI; see README.md."""

from .nodes import LoadStyle, MixStyles, PaintingStyle, Stylize

NODE_CLASS_MAPPINGS = {
    "FaststyleLoad": LoadStyle,
    "FaststyleMix": MixStyles,
    "FaststylePainting": PaintingStyle,
    "FaststyleStylize": Stylize,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "FaststyleLoad": "Load Style (faststyle)",
    "FaststyleMix": "Mix Styles (faststyle)",
    "FaststylePainting": "Style of a Painting (faststyle)",
    "FaststyleStylize": "Stylize (faststyle)",
}

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
