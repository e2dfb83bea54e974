import subprocess
from pathlib import Path

import pytest

from tools.checks import words

EXAMPLES = [word.replace(r"\w*", "ing") for word in words.WORDS]  # read from there: this file is searched as well
PHRASE = next(word for word in EXAMPLES if " " in word)


def track(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    subprocess.run(["git", "add", name], cwd=root, check=True)


@pytest.mark.parametrize("name", ["service/mien/app.py", "docs/api.md", "README.md", "tests/unit/test_app.py"])
def test_every_word_is_found_with_its_line(checkout: Path, name: str) -> None:
    track(checkout, name, "".join(f"({word.capitalize()}),\n" for word in EXAMPLES))
    expected = [f"{name}:{line}: {word.capitalize()}" for line, word in enumerate(EXAMPLES, start=1)]
    assert words.problems(checkout) == expected


def test_a_phrase_is_found_across_lines(checkout: Path) -> None:
    track(checkout, "README.md", "fine\n" + PHRASE.replace(" ", "\n    "))
    assert words.problems(checkout) == [f"README.md:2: {PHRASE}"]


def test_parts_of_words_and_other_folders_are_not_searched(checkout: Path) -> None:
    track(checkout, "service/mien/app.py", "bayonets, subnets of a network; the smallest\n")
    for name in ("training/notes.md", "tests/unit/training/test_notes.py"):
        track(checkout, name, PHRASE)
    assert words.problems(checkout) == []
