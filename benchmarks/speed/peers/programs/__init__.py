"""How each library is called, as its documentation shows: a module per library, loaded in the library's environment.

``load(setting)`` gives a function from JPEG files to how many faces were found in all of them. It raises
``Unavailable`` with what to do about it.
"""

from collections.abc import Callable, Sequence

Analyze = Callable[[Sequence[bytes]], int]


class Unavailable(Exception):
    """The library cannot run here; says what is missing and how to get it."""
