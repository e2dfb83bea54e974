"""The bill of materials holds what is shipped and nothing that only the tests need."""

import json
from typing import Any

import pytest
from cyclonedx.validation.json import JsonStrictValidator

from mien.store import ModelStore
from tests.unit.tools.conftest import ROOT
from tools import sbom


@pytest.fixture(scope="module")
def environment() -> dict[str, Any]:
    return sbom.environment()


@pytest.fixture(scope="module")
def document(environment: dict[str, Any]) -> dict[str, Any]:
    return sbom.shipped(environment, sbom.locked(ROOT), sbom.models(ROOT))


def test_it_is_valid(environment: dict[str, Any]) -> None:
    part = sbom.shipped(environment, {"limits", "wrapt"}, sbom.models(ROOT))  # `make sbom` validates the whole
    assert JsonStrictValidator(sbom._VERSION).validate_str(json.dumps(part)) is None


def test_it_holds_the_locked_packages_and_the_models(document: dict[str, Any]) -> None:
    names = {component["name"].lower().replace("_", "-") for component in document["components"]}
    assert {"fastapi", "onnxruntime", "av", "numpy", "limits"} <= names
    assert not {"pytest", "mypy", "cyclonedx-bom", "pip-audit", "playwright"} & names
    models = [component for component in document["components"] if component["type"] == "machine-learning-model"]
    hashes = {model.manifest["sha256"] for model in ModelStore(ROOT / "model_store").models}
    assert {model["hashes"][0]["content"] for model in models} == hashes


def test_every_package_has_a_version_a_licence_or_a_purl_and_every_edge_an_end(document: dict[str, Any]) -> None:
    refs = {component["bom-ref"] for component in document["components"]}
    for component in document["components"]:
        assert component["version"]
        assert component.get("licenses") or component.get("purl"), component["name"]
    root = document["metadata"]["component"]["bom-ref"]
    graph = {one["ref"]: set(one["dependsOn"]) for one in document["dependencies"]}
    assert set(graph) <= refs | {root}
    assert set().union(*graph.values()) <= refs
    assert {name.partition("==")[0] for name in graph[root]} >= {"fastapi", "numpy"}
