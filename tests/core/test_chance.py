from itertools import product

import torch

from faststyle.core.chance import Purpose, numpy_generator, torch_generator, torch_seed


def test_numbers_are_a_function_of_seed_purpose_and_place() -> None:
    keys = list(product((0, 1), (Purpose.CROP, Purpose.VIEW), (0, 1, 2**40)))
    draws = {numpy_generator(*key).integers(2**62) for key in keys}
    assert len(draws) == len(keys)
    assert draws == {numpy_generator(*key).integers(2**62) for key in keys}
    seeds = {torch_seed(*key) for key in keys}
    assert len(seeds) == len(keys)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_torchs_generator_is_that_of_its_seed() -> None:
    found = torch.rand(3, generator=torch_generator(3, Purpose.LOSS, 7))
    same = torch.Generator().manual_seed(torch_seed(3, Purpose.LOSS, 7))
    assert torch.equal(found, torch.rand(3, generator=same))
