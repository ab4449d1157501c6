"""What a run does not say."""

import logging
import warnings

from pytorch_lightning.utilities import rank_zero_only


def quiet_library_logs() -> None:
    """Let one process of a run speak for all, without what Lightning says of intended things."""
    if rank_zero_only.rank:  # type: ignore[attr-defined]
        logging.disable(logging.WARNING)
    for talkative in ("pytorch_lightning", "aiobotocore", "botocore"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    for message in (
        ".*in eval mode at the start of training",  # the loss network, always
        ".*overridden `on_after_batch_transfer`",
        ".*your dataloader is not resumable",  # StepSampler starts at the trainer's step
        ".*exists and is not empty",  # resumed runs go on in their folder
        ".*does not have many workers",
        ".*`LeafSpec`|.*treespec",
        ".*`broadcast_buffers` is deprecated",  # torch 2.11 has no other name for it
        "The number of training batches .* is smaller than the logging interval",
    ):
        warnings.filterwarnings("ignore", message)
