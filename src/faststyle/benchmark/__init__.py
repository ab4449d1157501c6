"""How fast training, stylizing and loading are, against a textbook implementation of the same."""
