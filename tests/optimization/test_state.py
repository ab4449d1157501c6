from pathlib import Path

import pytest
import torch

from faststyle.core.errors import UserError
from faststyle.optimization.state import State


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    state = State([(4, 4)], torch.rand(1, 3, 4, 4), iteration=3, optimizer={"state": {0: [1, 2]}})
    state.save(tmp_path / "a.ckpt")
    found = State.load(tmp_path / "a.ckpt", [(4, 4)])
    assert torch.equal(found.pixels, state.pixels)
    assert (found.iteration, found.best, found.optimizer) == (3, None, state.optimizer)


def test_a_picture_of_another_size_is_not_resumed(tmp_path: Path) -> None:
    State([(4, 6)], torch.rand(1, 3, 4, 6)).save(tmp_path / "a.ckpt")
    with pytest.raises(UserError, match="6 x 4, and this run of one of 8 x 8"):
        State.load(tmp_path / "a.ckpt", [(8, 8)])


def test_a_checkpoint_of_training_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / "a.ckpt")
    with pytest.raises(UserError, match=r"not written by faststyle optimize"):
        State.load(tmp_path / "a.ckpt", [(4, 4)])
