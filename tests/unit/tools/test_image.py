from pathlib import Path

import pytest

from tests.unit.tools.conftest import Edit
from tools.checks import image


def test_the_dockerfile_has_no_problem(checkout: Path) -> None:
    assert image.problems(checkout) == []


@pytest.mark.parametrize(
    ("name", "change", "named"),
    [
        ("Dockerfile", ("COPY service/", "COPY servant/"), "servant"),
        (".dockerignore", ("!model_store", "!model-store"), "model_store"),
        (".dockerignore", ("**/*.pyc", "requirements"), "requirements/base.txt"),
        ("Dockerfile", ("USER 10001:10001", "USER mien"), "USER"),
        ("Dockerfile", ("USER 10001:10001", "USER 0"), "USER"),
        ("Dockerfile", ("ARG PYTHON=python:3.11-slim-bookworm", "ARG PYTHON=python:latest"), "python:latest"),
        ("Dockerfile", ("FROM ${PYTHON} AS build", "FROM python AS build"), "image python needs"),
        ("Dockerfile", ("HEALTHCHECK --interval=10s", "LABEL x=y"), "HEALTHCHECK"),
    ],
)
def test_a_fault_is_found(checkout: Path, edit: Edit, name: str, change: tuple[str, str], named: str) -> None:
    edit(name, change)
    found = image.problems(checkout)
    assert any(named in problem for problem in found)


def test_an_untracked_source_is_found(checkout: Path) -> None:
    (checkout / ".git/index").unlink()
    assert any("README.md" in problem for problem in image.problems(checkout))


def test_the_last_pattern_decides() -> None:
    ignore = image.Ignore("# a comment\n*\n!service\n!deploy/healthcheck.py\n**/__pycache__\n**/*.pyc\n")
    kept = ["service/mien/app.py", "service/mien/api/static/a.css", "deploy/healthcheck.py"]
    ignored = ["README.md", "deploy/kubernetes/x.yaml", "service/__pycache__/app.py", "service/mien/api/x.pyc", "x.pyc"]
    assert [name for name in kept + ignored if not ignore.matches(name)] == kept


def test_continued_lines_and_comments_are_read_as_docker_reads_them() -> None:
    assert image.parse("# c\nFROM a AS b\nRUN x \\\n    # inside\n    && y\n\nUSER 1\n") == [
        ("FROM", "a AS b"),
        ("RUN", "x      && y"),
        ("USER", "1"),
    ]
