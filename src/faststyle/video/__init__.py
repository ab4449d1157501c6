"""Clips: read with FFmpeg's libraries (PyAV), stylized frame by frame, written with the sound."""
