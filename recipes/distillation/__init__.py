"""A loss network of our own: a small student learns a VGG's features, Gram matrices, gradients."""
