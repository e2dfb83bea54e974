import re
from pathlib import Path

import pytest

from mien import errors
from mien.api.errors import HTTP_CODES, STATUS, InvalidField, problem_of

ROOT = Path(__file__).resolve().parents[3]
# Never raised over HTTP: the first three are only bases, the last ends the start of the service.
NEVER_SENT = {errors.InputError, errors.CapacityError, errors.EngineError, errors.ModelError}


# Their errors are raised in a program of the caller's, or sent in another service's form.
ELSEWHERE = ("cli", "client", "compat", "local", "results")


def every_class(base: type[errors.MienError]) -> set[type[errors.MienError]]:
    below = [cls for cls in base.__subclasses__() if cls.__module__.split(".")[1] not in ELSEWHERE]
    return {base}.union(*map(every_class, below))


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


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (errors.UnsupportedMedia("this is no picture; send one"), "This is no picture; send one."),
        (errors.TooLarge("max_pixels", 10, "the file is large (very)"), "The file is large (very)."),
        (errors.CorruptMedia("The clip is damaged."), "The clip is damaged."),
        (errors.Overloaded("3 requests wait."), "3 requests wait."),
        (errors.InvalidOption("fps", "fps must be above 0."), "fps must be above 0."),
        (errors.InvalidOption("start", "the clip ends before."), "The clip ends before."),
        (InvalidField("images", "images[0] is not a string."), "images[0] is not a string."),
    ],
)
def test_details_are_sentences(error: errors.MienError, detail: str) -> None:
    assert problem_of(error).detail == detail


def test_there_is_a_last_resort() -> None:
    assert errors.MienError in STATUS


def test_the_table_in_the_documentation_has_every_code_with_its_status() -> None:
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d{3}) \| (`.+?`) \|", page, re.MULTILINE)
    documented = {(int(status), code) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    # Reported to the log only: the client has disconnected.
    classes = every_class(errors.MienError) - NEVER_SENT - every_class(errors.ModelError) - {errors.Cancelled}
    problems = [problem_of(make(cls)) for cls in classes]
    assert documented == {(problem.status, problem.code) for problem in problems} | set(HTTP_CODES.items())


def test_what_the_table_leaves_out_is_never_raised() -> None:
    names = "|".join(cls.__name__ for cls in NEVER_SENT)
    for path in (ROOT / "service/mien").rglob("*.py"):
        if path.relative_to(ROOT / "service/mien").parts[0] not in ELSEWHERE:
            assert not re.search(rf"\braise (errors\.)?({names})\b", path.read_text(encoding="utf-8")), path
