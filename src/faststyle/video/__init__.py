"""Clips: read with FFmpeg's libraries (PyAV), stylized frame by frame, written with the sound."""

from faststyle.video.clips import stylize_clips

__all__ = ["stylize_clips"]
