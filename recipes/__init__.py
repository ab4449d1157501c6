"""How the loss networks of faststyle were trained: what two commands run in a clone."""
