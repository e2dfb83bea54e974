"""The import contracts name every module of the package: one that is in no contract could import anything."""

import tomllib
from typing import Any

import pytest

from tests.unit.tools.conftest import ROOT

CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
MODULES = {
    path.stem for path in (ROOT / "service/mien").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
} - {"__init__"}


def test_every_module_has_its_layer() -> None:
    (contract,) = (contract for contract in CONTRACTS if contract["type"] == "layers")
    assert contract["exhaustive"]
    assert {name for layer in contract["layers"] for name in layer.split(" | ")} == MODULES


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("pydantic", {"app", "app_state", "api", "compat", "server", "settings", "job_settings"}),
        ("onnxruntime", {"runtime"}),
        ("av", {"video"}),
        (
            "asyncio",
            {"app", "app_state", "api", "cli", "client", "compat", "server", "telemetry", "settings", "job_settings"},
        ),
    ],
)
def test_only_these_modules_may_import_a_library(library: str, allowed: set[str]) -> None:
    (contract,) = (contract for contract in CONTRACTS if library in contract.get("forbidden_modules", []))
    assert {name.removeprefix("mien.") for name in contract["source_modules"]} == MODULES - allowed
