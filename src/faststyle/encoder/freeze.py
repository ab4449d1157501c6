"""Loss networks are made of constants."""

from torch import nn


def freeze(module: nn.Module) -> None:
    """Make every parameter and buffer a constant that moves with the module but is never saved."""
    for child in module.modules():
        constants = dict(child.named_parameters(recurse=False))
        constants |= dict(child.named_buffers(recurse=False))  # type: ignore[arg-type]
        for name, value in constants.items():
            delattr(child, name)
            child.register_buffer(name, value.detach(), persistent=False)
