"""Pictures: formats, reading and writing of files, arrays and tensors, arithmetic of pixels."""
