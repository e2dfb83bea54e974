"""Files broken at random, mostly where their structure is."""

import random
from collections.abc import Callable, Sequence

_EXTREMES = (
    b"\xff" * 4,
    b"\0" * 4,
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\0\0\xff\xff",
    b"\x80\0\0\0",
    b"\0\0\0\1",
)
_NEAR = 1024  # bytes at the beginning or the end: headers, tables and indexes

Mutation = Callable[[bytearray, int, random.Random], None]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """One to six changes; the first four bytes, which tell the format, stay."""
    broken = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        change = chance.choices(_MUTATIONS, _WEIGHTS)[0]
        change(broken, _place(len(broken), chance), chance)
        if len(broken) < 8:
            break
    return bytes(broken)


def _place(size: int, chance: random.Random) -> int:
    kind = chance.random()
    if kind < 0.5:
        return chance.randrange(4, min(size, _NEAR))
    return chance.randrange(max(4, size - _NEAR), size) if kind < 0.65 else chance.randrange(4, size)


def _flip(broken: bytearray, at: int, chance: random.Random) -> None:
    broken[at] ^= 1 << chance.randrange(8)


def _set_extreme(broken: bytearray, at: int, chance: random.Random) -> None:
    broken[at : at + 4] = chance.choice(_EXTREMES)


def _randomize(broken: bytearray, at: int, chance: random.Random) -> None:
    count = min(chance.choice((1, 1, 1, 4, 64)), len(broken) - at)
    broken[at : at + count] = chance.randbytes(count)


def _remove(broken: bytearray, at: int, chance: random.Random) -> None:
    del broken[at : at + chance.randint(1, 40)]


def _repeat(broken: bytearray, at: int, chance: random.Random) -> None:
    broken[at:at] = broken[at : at + chance.randint(1, 40)]


def _copy(broken: bytearray, at: int, chance: random.Random) -> None:
    """A part of the file in another place: boxes within boxes, offsets that lead elsewhere."""
    start, count = chance.randrange(len(broken)), chance.randint(4, 400)
    broken[at : at + count] = broken[start : start + count]


def _cut(broken: bytearray, at: int, _: random.Random) -> None:
    del broken[max(at, 8) :]


_TABLE: Sequence[tuple[Mutation, float]] = (
    *((_flip, 4), (_set_extreme, 4), (_randomize, 4), (_remove, 2), (_repeat, 2), (_copy, 1), (_cut, 0.4)),
)
_MUTATIONS, _WEIGHTS = zip(*_TABLE, strict=True)
