"""Faces of the stylizer: a page on a server, and a window with a camera."""
