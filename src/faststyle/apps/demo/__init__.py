"""A page on which visitors stylize photos of their own, on this machine."""
