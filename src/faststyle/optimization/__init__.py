"""The slow way (Gatys et al., 2016): optimise the pixels themselves, on the same losses."""
