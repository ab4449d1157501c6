"""faststyle's nodes for ComfyUI; see README.md."""

from .nodes import LoadStyle, MixStyles, Stylize

NODE_CLASS_MAPPINGS = {
    "FaststyleLoad": LoadStyle,
    "FaststyleMix": MixStyles,
    "FaststyleStylize": Stylize,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "FaststyleLoad": "Load Style (faststyle)",
    "FaststyleMix": "Mix Styles (faststyle)",
    "FaststyleStylize": "Stylize (faststyle)",
}

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
