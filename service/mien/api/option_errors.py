"""What is wrong with a query option, in words for its caller: pydantic's own speak of inputs and parsing."""

from collections.abc import Mapping
from typing import Any

from mien.errors import InvalidOption

_WORDS: Mapping[str, str] = {
    "enum": "write {expected}",
    "greater_than": "write a number above {gt:g}",
    "greater_than_equal": "write a number of at least {ge:g}",
    "less_than": "write a number below {lt:g}",
    "less_than_equal": "write a number of at most {le:g}",
    "finite_number": "write a finite number",
    "float_parsing": "write a number",
    "int_parsing": "write a whole number",
    "int_parsing_size": "write a smaller number",
    "int_from_float": "write a whole number",
    "bool_parsing": "write true or false",
}


def option_error(error: Mapping[str, Any]) -> InvalidOption:
    """One of pydantic's errors (a member of ``ValidationError.errors()``) as ours."""
    context: Mapping[str, Any] = error.get("ctx", {})
    if error["type"] == "unknown_option":
        return InvalidOption(str(context["option"]), error["msg"])
    name = str(error["loc"][-1])
    words = _WORDS.get(error["type"])
    advice = error["msg"] if words is None else words.format(**context).replace("'", "")
    return InvalidOption(name, f"The option {name} is wrong: {advice}.")
