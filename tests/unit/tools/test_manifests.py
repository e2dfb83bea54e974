"""`make manifests` finds what is wrong in a manifest, and does so offline."""

import sys
from pathlib import Path

import pytest

from tests.unit.tools.conftest import Edit, make


@pytest.fixture
def ready(checkout: Path) -> Path:
    """A clone whose environment is the one that runs the tests."""
    (checkout / ".venv").mkdir()
    (checkout / ".venv/bin").symlink_to(Path(sys.executable).parent)
    (checkout / ".venv/.checkout").write_text(str(checkout))
    for stamp in (".base", ".test"):
        (checkout / f".venv/{stamp}").touch()
    return checkout


def test_the_manifests_of_this_repository_have_no_problem(ready: Path) -> None:
    run = make(ready, "manifests")
    assert (run.returncode, run.stdout, run.stderr) == (0, "Deployment manifests: OK\n", "")


BASE = "deploy/kubernetes/base"


@pytest.mark.parametrize(
    ("edits", "named"),
    [
        (
            [
                ("docker-compose.yml", ("read_only:", "readonly:")),
                ("docker-compose.yml", ("cap_drop: [ALL]", "cap_drop: ALL")),
            ],
            ["readonly", "cap_drop"],
        ),
        ([("docker-compose.yml", ("restart:", "read_only: false\n  restart:"))], ['duplicate key "read_only"']),
        ([("deploy/prometheus/prometheus.yml", ("scrape_timeout", "scrape_timeouts"))], ["scrape_timeouts"]),
        ([(f"{BASE}/kustomization.yaml", ("resources:", "resource:"))], ["resource"]),
        (
            [
                (f"{BASE}/deployment.yaml", ("readinessProbe", "readynessProbe")),
                (f"{BASE}/service.yaml", ("      port: 80\n", "")),
                (f"{BASE}/networkpolicy.yaml", ("kind: NetworkPolicy", "kind: NetworkPolicies")),
                (f"{BASE}/serviceaccount.yaml", ("kind: ServiceAccount\n", "")),
            ],
            ["readynessProbe", "'port' is a required property", "kind NetworkPolicies", "serviceaccount.yaml"],
        ),
        ([(f"{BASE}/deployment.yaml", ("periodSeconds: 1\n", "periodSeconds: often\n"))], ["periodSeconds"]),
        # Only a warning to kubernetes-validate.
        ([(f"{BASE}/deployment.yaml", ("apiVersion: apps/v1", "apiVersion: apps/v1beta1"))], ["apps/v1beta1"]),
    ],
    ids=["compose", "duplicate", "prometheus", "kustomization", "kubernetes", "type", "version"],
)
def test_a_broken_manifest_is_found(
    ready: Path, edit: Edit, edits: list[tuple[str, tuple[str, str]]], named: list[str]
) -> None:
    for name, change in edits:
        edit(name, change)
    run = make(ready, "manifests")
    assert run.returncode != 0
    found = run.stdout + run.stderr
    assert all(text in found for text in named), found
