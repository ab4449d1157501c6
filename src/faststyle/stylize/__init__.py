"""Applying a trained style: to pictures, folders of them, and clips."""
