"""Frames of GIF files, which have at most 256 colors each."""

from fractions import Fraction

import av
from av.filter import Graph


class Palette:
    """Gives each frame a palette of its own, by FFmpeg's filters."""

    def __init__(self) -> None:
        self._graph: Graph | None = None

    def apply(self, frame: av.VideoFrame) -> av.VideoFrame:
        """An RGB frame as one of 256 colors."""
        if self._graph is None:
            self._graph = _build(frame)
        self._graph.vpush(frame)
        return self._graph.vpull()


def _build(frame: av.VideoFrame) -> Graph:
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 100)
    )
    split = graph.add("split")
    palette = graph.add("palettegen", "stats_mode=single")
    use = graph.add("paletteuse", "new=1")
    sink = graph.add("buffersink")
    source.link_to(split)
    split.link_to(palette, 0, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph
