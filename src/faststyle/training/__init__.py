"""Training: one engine, and a folder for each task."""
