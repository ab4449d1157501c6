"""Training a network that enlarges pictures (Johnson et al., 2016, section 4.2)."""
