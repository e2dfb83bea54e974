"""A client with many connections does not keep the others waiting."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from mien.server.parse_turns import ParseTurns


class Loop:
    """An event loop whose turns the test makes."""

    def __init__(self) -> None:
        self._due: list[tuple[Callable[..., object], tuple[Any, ...]]] = []

    def call_soon(self, function: Callable[..., object], *arguments: Any) -> None:
        self._due.append((function, arguments))

    def turn(self) -> None:
        due, self._due = self._due, []
        for function, arguments in due:
            function(*arguments)


@pytest.fixture
def loop() -> Any:
    return Loop()


def test_a_single_request_does_not_wait(loop: Any) -> None:
    parsed = list[str]()
    ParseTurns().take(loop, "a", partial(parsed.append, "a"))
    assert parsed == ["a"]


def test_a_turn_parses_a_few_and_then_one_of_each_address(loop: Any) -> None:
    turns, parsed = ParseTurns(), list[str]()
    for number in range(100):
        turns.take(loop, "flood", partial(parsed.append, f"flood {number}"))
    first = len(parsed)
    assert 1 <= first <= 10
    turns.take(loop, "probe", partial(parsed.append, "probe"))
    assert len(parsed) == first
    loop.turn()
    assert parsed[first : first + 2] == [f"flood {first}", "probe"]
    assert len(parsed) <= 2 * first
    for _ in range(100):
        loop.turn()
    assert [one for one in parsed if one != "probe"] == [f"flood {number}" for number in range(100)]


def test_what_is_put_off_waits_though_the_turn_has_room(loop: Any) -> None:
    turns, parsed = ParseTurns(), list[str]()
    turns.wait(loop, "a", partial(parsed.append, "a"))
    assert not parsed
    loop.turn()
    assert parsed == ["a"]


def test_what_is_put_off_while_it_is_parsed_comes_in_the_next_turn(loop: Any) -> None:
    turns, parsed = ParseTurns(), list[str]()

    def again() -> None:
        parsed.append("again")
        turns.wait(loop, "a", again)

    turns.take(loop, "a", again)
    for turn in (1, 2, 3):
        assert parsed == turn * ["again"]
        loop.turn()
