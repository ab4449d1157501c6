"""Training a style: a transform network against a perceptual loss."""
