"""Pictures: files, Pillow's images and arrays <-> tensors, and what is computed on pixels."""
