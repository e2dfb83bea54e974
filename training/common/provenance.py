"""Where a run came from: the commit and the command line."""

import os
import shutil
import subprocess
import sys

COMMIT = "TRAINING_COMMIT"  # environment variable: the commit of a tree that travels without its newest history


def head_commit() -> str:
    """What `TRAINING_COMMIT` says; else the commit that is checked out, `-dirty` when a tracked file under training/
    differs, and `unknown` outside git."""
    git = shutil.which("git")
    if told := os.environ.get(COMMIT):
        return told
    if git is None:
        return "unknown"
    # Both commands are constants: nothing here comes from outside.
    head = subprocess.run([git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S603
    changed = subprocess.run([git, "diff", "--quiet", "HEAD", "--", "training"], check=False)  # noqa: S603
    if head.returncode:
        return "unknown"
    return head.stdout.strip() + ("-dirty" if changed.returncode else "")


def command_line() -> str:
    """The running module's command, as one would type it again from the repository root."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    module = spec.name if spec else sys.argv[0]
    return " ".join(["python", "-m", module, *sys.argv[1:]])
