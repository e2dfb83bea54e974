"""The environment variables that are meant for Mien."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

from mien.errors import InvalidOption

PREFIX = "MIEN_"
# Kubernetes sets these in every pod beside a Service called mien or mien-something.
_SERVICE_LINK = re.compile(
    r"MIEN(_[A-Z0-9]+)*_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_LINK_ADDRESS = re.compile(r"(tcp|udp|sctp)://\S+")


def variable_of(field: str) -> str:
    """The variable that sets the field of ``Settings``."""
    return f"{PREFIX}{field.upper()}"


def check_names(environment: Mapping[str, str], known: Collection[str]) -> None:
    """An unknown variable was meant to be a setting; a start without it could be an open one. Its value, which may be
    a key, is not shown.

    Raises:
        InvalidOption: there is such a variable.
    """
    for name in sorted(environment):
        variable, value = name.upper(), environment[name]
        if not variable.startswith(PREFIX) or variable in known or not value:
            continue
        if _SERVICE_LINK.fullmatch(variable) or (variable.endswith("_PORT") and _LINK_ADDRESS.fullmatch(value)):
            continue
        stems = get_close_matches(variable.removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in known], n=1)
        hint = f"did you mean {PREFIX}{stems[0]}?" if stems else "docs/configuration.md has them all."
        raise InvalidOption(name, f"{name} is set, but there is no such setting; {hint}")
