"""Clips: read with FFmpeg's libraries (PyAV), stylised frame by frame, written with the sound."""

from faststyle.video.run import run

__all__ = ["run"]
