"""Training a VGG as a classifier, to have a loss network of one's own: ``train_classifier``."""
