"""``mien``: one module a command; exit codes 0 (done), 1 (failed), 2 (used wrongly)."""

import argparse
import sys
from collections.abc import Sequence

from mien.cli import models, predict, serve, video
from mien.errors import InvalidOption, MienError
from mien.version import VERSION

# A later command adds its module here; it has ``add_parser(subparsers)``, which sets ``run`` as the default.
_COMMANDS = (serve, predict, video, models)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what it returns is the exit code."""
    chosen = _parsed(arguments)
    try:
        code: int = chosen.run(chosen)
    except InvalidOption as error:
        return _complain(error, 2)
    except MienError as error:
        return _complain(error, 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader (head, less) has seen enough; closing stderr keeps Python from complaining about stdout.
        sys.stderr.close()
        return 0
    return code


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    top = argparse.ArgumentParser(prog="mien", description="Faces in pictures, and the emotion that a crowd would see.")
    top.add_argument("--version", action="version", version=f"mien {VERSION}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")
    for command in _COMMANDS:
        command.add_parser(commands)
    chosen, unknown = top.parse_known_args(arguments)
    if unknown:
        # By the command's own parser, which shows the usage of that command.
        commands.choices[chosen.command].error(f"unrecognized arguments: {' '.join(unknown)}")
    return chosen


def _complain(error: MienError, code: int) -> int:
    print(f"mien: {error}", file=sys.stderr)
    return code
