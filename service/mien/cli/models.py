"""``mien models``: the contents of the model store."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from mien.cli.common import store_option, table
from mien.settings import EngineSettings
from mien.store import ModelStore

# In this order, as far as the manifest has them; a model with none of these shows the first metrics that it has.
_MAIN_METRICS = ("protocol_a_accuracy", "protocol_b_accuracy", "fer2013_accuracy", "at_320.ap50", "at_640.ap50")


@click.command("models")
@click.option("--json", "as_json", is_flag=True, help="print the manifests as JSON")
@store_option
def command(as_json: bool, store: Path | None) -> int:
    """List the models in the store, without loading them."""
    settings = EngineSettings.load({"store": store})
    models = ModelStore(settings.store)
    if as_json:
        click.echo(json.dumps([dict(model.manifest) for model in models.models], indent=2, default=str))
        return 0
    rows = []
    for model in models.models:
        serving = models.pick(model.name)
        serves = "yes" if model.version == serving.version else "no"
        rows.append((model.name, model.version, serves, main_metrics(model.manifest.get("metrics"))))
    click.echo(table(("model", "version", "serves", "metrics"), rows))
    return 0


def main_metrics(metrics: object, limit: int = 3) -> str:
    """The few of a manifest's many ``metrics`` by which a model is known, in one short line; a dash for none."""
    values = dict(_flattened(metrics)) if isinstance(metrics, Mapping) else {}
    names = [name for name in _MAIN_METRICS if name in values]
    # The number of faces on which a metric was measured says nothing by itself.
    names = names or [name for name in values if not name.endswith(("_n", ".n"))]
    return ", ".join(f"{name} {values[name]:g}" for name in names[:limit]) or "-"


def _flattened(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{name}", value
