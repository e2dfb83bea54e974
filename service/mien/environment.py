"""What the server's settings and the command line read alike: the model store, the versions, the workers; and how a
value or a name is refused."""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from mien.errors import InvalidOption
from mien.store import MANIFEST, ModelStore

STORE = "MIEN_STORE"
MODEL_VERSIONS = "MIEN_MODEL_VERSIONS"
WORKERS = "MIEN_WORKERS"
MOST_WORKERS = 256

_PREFIX = "MIEN_"
# Read by docker-compose.yml, for Prometheus; who exported it may start the service from the same shell.
_NOT_OURS = frozenset({"MIEN_METRICS_KEY_FILE"})
# What Kubernetes gives every pod beside a Service called mien, or mien-something.
_SERVICE_LINK = re.compile(
    r"MIEN(_[A-Z0-9]+)*_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_LINK_ADDRESS = re.compile(r"(tcp|udp|sctp)://\S+")


def refusal(name: str, reason: str, given: object = None) -> InvalidOption:
    """One sentence: the variable or option, its value (unless that is a secret, or nothing) and what is wrong."""
    shown = "" if given is None else f" (it is {str(given) if isinstance(given, Path) else given!r})"
    return InvalidOption(name, f"{name} cannot be used{shown}: {reason[:1].lower()}{reason[1:]}.")


def check_names(environment: Mapping[str, str], known: Collection[str]) -> None:
    """A variable that looks like a setting and is none was meant to be one; a start without it could be an open one.

    Raises:
        InvalidOption: for the first of them. Its value is not shown, as it may be a key.
    """
    for name in sorted(environment):
        written = name.upper()
        if not written.startswith(_PREFIX) or written in known or written in _NOT_OURS or not environment[name]:
            continue
        if not _is_service_link(written, environment[name]):
            stems = get_close_matches(written.removeprefix(_PREFIX), [one.removeprefix(_PREFIX) for one in known], n=1)
            meant = f"did you mean {_PREFIX}{stems[0]}?" if stems else "docs/configuration.md has them all."
            raise InvalidOption(name, f"{name} is set, but there is no such setting; {meant}")


def _is_service_link(name: str, value: str) -> bool:
    address = name.endswith("_PORT") and _LINK_ADDRESS.fullmatch(value)
    return bool(address or _SERVICE_LINK.fullmatch(name))


@contextmanager
def refusing(name: str, given: object) -> Iterator[None]:
    """Turns the ``ValueError`` of a check below into the refusal of ``name``."""
    try:
        yield
    except ValueError as error:
        raise refusal(name, str(error), given) from None


def cores() -> int:
    """The cores that this process may use: fewer than the machine's under taskset, or in a container given a set."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def parse_workers(text: str) -> int:
    """A number of inference threads.

    Raises:
        ValueError: when it is none, or out of bounds.
    """
    if not text.strip().isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise ValueError(f"write a whole number from 1 to {MOST_WORKERS}")
    return int(text)


def parse_versions(text: str) -> dict[str, str]:
    """``emotion=1,face-detector=2`` as a mapping.

    Raises:
        ValueError: when it is anything else, or names a model twice.
    """
    pairs = [item.partition("=") for item in text.split(",") if item.strip()]
    versions = {name.strip(): version.strip() for name, _, version in pairs}
    if not versions or not all(name and version for name, version in versions.items()):
        raise ValueError("write <model>=<version>, with commas between several")
    if len(versions) < len(pairs):
        raise ValueError("it names a model twice; write each model once")
    return versions


def check_store(root: Path) -> None:
    """A store is a folder with a manifest in it; whether its files are whole is seen when they are read.

    Raises:
        ValueError: when ``root`` is none.
    """
    try:
        found = root.is_dir() and any(root.glob(f"*/*/{MANIFEST}"))
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror}); let this user read it") from error
    if not found:
        raise ValueError(f"it is no folder with models in it; name the one that holds <model>/<version>/{MANIFEST}")


def check_versions(versions: Mapping[str, str], root: Path) -> None:
    """What is named must be in the store: of a misspelt model, the newest version would serve without a word.

    Raises:
        ValueError: when a model or its version is not there.
        ModelUnreadable: when a manifest cannot be read.
    """
    models = ModelStore(root).models if versions else ()
    for name, version in versions.items():
        offered = [model.version for model in models if model.name == name]
        if not offered:
            names = ", ".join(sorted({model.name for model in models}))
            raise ValueError(f"the store has no model {name!r}; name one of {names}")
        if version not in offered:
            raise ValueError(f"the store has no version {version!r} of {name}; name one of {', '.join(offered)}")
