"""The few figures by which a model is known, out of the many in its manifest."""

from collections.abc import Iterator, Mapping

# In this order, as far as the manifest has them; a model with none of these shows the first figures that it has.
_FIRST = ("protocol_a_accuracy", "protocol_b_accuracy", "fer2013_accuracy", "at_320.ap50", "at_640.ap50")


def headline(metrics: object, at_most: int = 3) -> str:
    """``metrics``, a manifest's table of figures and of tables of them, in one short line; a dash for none."""
    figures = dict(_figures(metrics)) if isinstance(metrics, Mapping) else {}
    names = [name for name in _FIRST if name in figures]
    # How many faces a figure was measured on says nothing by itself.
    names = names or [name for name in figures if not name.endswith(("_n", ".n"))]
    return ", ".join(f"{name} {figures[name]:g}" for name in names[:at_most]) or "-"


def _figures(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _figures(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", value
