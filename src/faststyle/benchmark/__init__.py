"""How fast training, stylising and loading are, against a textbook implementation of the same."""
