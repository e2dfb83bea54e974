import pytest

from service import errors
from service.api.errors import STATUS, InvalidField, problem_of


def every_class(base: type[errors.MienError]) -> set[type[errors.MienError]]:
    return {base}.union(*(every_class(below) for below in base.__subclasses__()))


def make(cls: type[errors.MienError]) -> errors.MienError:
    if issubclass(cls, errors.TooLarge):
        return cls("max_pixels", 10, "too many")
    if issubclass(cls, errors.InvalidOption | InvalidField):
        return cls("name", "wrong")
    return cls("words")


@pytest.mark.parametrize("cls", sorted(every_class(errors.MienError), key=lambda cls: cls.__name__))
def test_every_error_has_a_status(cls: type[errors.MienError]) -> None:
    problem = problem_of(make(cls))
    assert 400 <= problem.status < 600
    assert problem.code == cls.code
    caller_s_fault = issubclass(cls, errors.InputError)
    assert (problem.status < 500) == (caller_s_fault or cls is errors.Overloaded)


def test_there_is_a_last_resort() -> None:
    assert errors.MienError in STATUS
