"""How Lightning's checkpoints reach the disk."""

from pathlib import Path
from typing import Any

from pytorch_lightning.plugins.io import TorchCheckpointIO

from faststyle.core.torch_files import write_torch


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write beside the final name, then rename.

    Lightning's own writes to the system's temporary folder and moves from there, which on another
    file system is a copy: a full disk leaves half a checkpoint in place of the last good one.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, *_: object, **__: object
    ) -> None:
        """Save ``checkpoint`` to ``path``; raises ``OSError`` if there is no room."""
        write_torch(checkpoint, Path(path))
