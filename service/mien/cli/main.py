"""``mien``: one module per command; exit codes 0 (done), 1 (failed), 2 (wrong usage)."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from mien.errors import InvalidOption, MienError
from mien.version import VERSION


class _LazyCommand(click.Command):
    """The ``command`` of the module of its name, imported when it is used: OpenCV, onnxruntime and FastAPI take a
    second, which ``mien --help`` need not."""

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        command: click.Command = import_module(f"mien.cli.{self.name}").command
        return command.make_context(*arguments, **extra)


class _Group(click.Group):
    """Turns errors of the commands into sentences and exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MienError as error:
            click.echo(f"mien: {error}", err=True)
            return 2 if isinstance(error, InvalidOption) else 1
        except KeyboardInterrupt:
            return 130
        except BrokenPipeError:
            # The reader (head, less) has stopped; closing stderr keeps Python from complaining about stdout.
            sys.stderr.close()
            return 0


@click.group(
    cls=_Group,
    commands=[
        _LazyCommand("serve", short_help="Start the HTTP service."),
        _LazyCommand("predict", short_help="Find faces and their emotions in picture files."),
        _LazyCommand("video", short_help="Follow the people in a clip."),
        _LazyCommand("live", short_help="Follow the people before a camera."),
        _LazyCommand("models", short_help="List the models in the store."),
        _LazyCommand("keys", short_help="Make, list and revoke API keys."),
        _LazyCommand("jobs", short_help="Submit, watch and cancel the jobs of a service."),
    ],
    context_settings={"show_default": True, "help_option_names": ["-h", "--help"]},
)
@click.version_option(VERSION, message="mien %(version)s")
def _mien() -> None:
    """Faces in pictures and clips, and the emotion that most people would see in them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    try:
        code: int = _mien.main(arguments, "mien", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    return code
