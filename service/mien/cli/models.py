"""``mien models``: what lies in the model store."""

import argparse
import json

from mien.cli.common import add_store, store_of
from mien.cli.headline import headline
from mien.cli.tables import table
from mien.store import ModelStore, StoredModel


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """``models`` and its options."""
    parser = commands.add_parser("models", help="list the models in the store", description="List the models.")
    parser.add_argument("--json", action="store_true", help="print the manifests as JSON")
    add_store(parser)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """List the store without loading a graph."""
    choice = store_of(chosen)
    store = ModelStore(choice.root)
    if chosen.json:
        print(json.dumps([dict(model.manifest) for model in store.models], indent=2, default=str))
        return 0
    names = {model.name for model in store.models}
    serving = {(name, store.pick(name, choice.versions.get(name)).version) for name in names}
    print(table(("model", "version", "serves", "metrics"), [_row(model, serving) for model in store.models]))
    return 0


def _row(model: StoredModel, serving: set[tuple[str, str]]) -> tuple[str, ...]:
    serves = "yes" if (model.name, model.version) in serving else "no"
    return model.name, model.version, serves, headline(model.manifest.get("metrics"))
