"""Hydra around all that is composed: commands, where runs live, errors for people."""
