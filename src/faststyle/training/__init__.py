"""Training a style: the LightningModule, its callbacks, and ``train(cfg)``."""
