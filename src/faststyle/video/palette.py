"""Palettes of GIF."""

from fractions import Fraction

import av
from av.filter import Graph


def palette_of_256(frame: av.VideoFrame) -> Graph:
    """FFmpeg's filters that give each frame of GIF, as this one, a palette of its own."""
    graph, base = Graph(), Fraction(1, 100)
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=base
    )
    split, palette = graph.add("split"), graph.add("palettegen", "stats_mode=single")
    use = graph.add("paletteuse", "new=1")
    graph.link_nodes(source, split)
    split.link_to(palette, 0, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    graph.link_nodes(use, graph.add("buffersink")).configure()
    return graph
