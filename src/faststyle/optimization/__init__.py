"""The slow way (Gatys et al., 2016): optimize the pixels themselves, on the same losses."""
