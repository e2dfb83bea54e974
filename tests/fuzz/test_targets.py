"""Every parser with the seeds of the fuzzing, whole and mutated; ``make fuzz`` goes on from there."""

import random

import pytest

from tests.fuzz.targets import TARGETS
from tests.mutations import mutated

_MUTATIONS = 120


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser_refuses_what_it_cannot_read_with_its_own_error(name: str) -> None:
    target = TARGETS[name]
    seeds = target.seeds()
    assert seeds
    for seed in (b"", b"\0", *seeds):
        target.parse(seed)
    chance = random.Random(f"fuzz:{name}")
    for number in range(_MUTATIONS):
        seed = seeds[number % len(seeds)]
        target.parse(mutated(seed, chance) if len(seed) > 8 else chance.randbytes(len(seed)))
