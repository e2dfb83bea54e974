"""Known vulnerabilities of what is shipped, by pip-audit: `make audit`, in CI where the vulnerability service answers.

Where it does not answer, or knows none of the packages (a mirror without advisories), nothing was audited: one line
says so, and the exit code is 0, because that is no finding.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_UNREACHABLE = ("Could not connect to", "ConnectionError", "timed out", "Tried to connect", "Max retries exceeded")


def main(arguments: Sequence[str] = ()) -> int:
    """0 without a finding, 1 with one or if pip-audit failed; ``arguments`` are passed on to it."""
    program = Path(sys.executable).with_name("pip-audit")
    lock = str(ROOT / "requirements" / "base.txt")
    # The lock has every package with its hash: nothing is resolved, downloaded or installed.
    options = [
        "--requirement",
        lock,
        "--require-hashes",
        "--disable-pip",
        "--progress-spinner",
        "off",
        "--timeout",
        "5",
    ]
    run = subprocess.run(
        [str(program), *options, "--format", "json", *arguments], capture_output=True, text=True, check=False
    )
    try:
        packages: list[dict[str, Any]] = json.loads(run.stdout)["dependencies"]
    except (ValueError, KeyError):
        return _failed(run.stderr)
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        print("pip-audit: skipped, as the vulnerability service knows none of the packages")
        return 0
    for package in audited:
        for found in package["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "none yet"
            print(
                f"pip-audit: {package['name']} {package['version']}: {found['id']} (fixed in: {fixed})", file=sys.stderr
            )
    affected = sum(bool(package["vulns"]) for package in audited)
    print(f"pip-audit: {affected} of {len(audited)} packages have known vulnerabilities")
    return int(affected > 0)


def _failed(complaint: str) -> int:
    last = complaint.strip().splitlines()[-1] if complaint.strip() else "it printed nothing"
    if any(words in complaint for words in _UNREACHABLE):
        print(f"pip-audit: skipped, as the vulnerability service does not answer ({last[:120]})")
        return 0
    print(f"pip-audit failed: {complaint or last}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
