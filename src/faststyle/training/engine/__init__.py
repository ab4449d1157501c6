"""One run of Lightning, whatever is trained."""
