from pathlib import Path

import pytest

from tests.unit.tools.conftest import ROOT, Edit
from tools.checks import kubernetes

BASE = "deploy/kubernetes/base"


def test_the_manifests_of_this_repository_are_well() -> None:
    assert kubernetes.problems(ROOT) == []


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("deployment.yaml", ("readinessProbe", "readynessProbe"), "readynessProbe"),
        ("deployment.yaml", ("periodSeconds: 1\n", "periodSeconds: often\n"), "periodSeconds"),
        ("deployment.yaml", ("apiVersion: apps/v1", "apiVersion: apps/v1beta1"), "no Deployment"),
        ("deployment.yaml", ("  replicas: 2", "  replicas: 2\n  replicas: 3"), "twice"),
        ("service.yaml", ("      port: 80\n", ""), "'port' is a required property"),
        ("networkpolicy.yaml", ("kind: NetworkPolicy", "kind: NetworkPolicies"), "NetworkPolicies"),
        ("serviceaccount.yaml", ("kind: ServiceAccount\n", ""), "without"),
        ("kustomization.yaml", ("- service.yaml", "- services.yaml"), "services.yaml, which is not there"),
        ("kustomization.yaml", ("  - service.yaml\n", ""), "in no kustomization"),
        ("kustomization.yaml", ("resources:", "resource:"), "resource"),
    ],
)
def test_a_broken_manifest_is_found(checkout: Path, edit: Edit, name: str, change: tuple[str, str], said: str) -> None:
    edit(f"{BASE}/{name}", change)
    found = kubernetes.problems(checkout)
    assert any(said in problem for problem in found)


def test_a_missing_base_is_found(checkout: Path) -> None:
    (checkout / BASE / "kustomization.yaml").unlink()
    assert kubernetes.problems(checkout) == ["deploy/kubernetes has no kustomization.yaml"]


def test_an_overlay_may_name_a_folder_and_a_patch(checkout: Path) -> None:
    overlay = checkout / "deploy/kubernetes/overlays/one"
    overlay.mkdir(parents=True)
    (overlay / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
        "resources: [../../base]\npatches:\n  - path: replicas.yaml\n"
    )
    (overlay / "replicas.yaml").write_text("spec: {replicas: 1}\n")
    assert kubernetes.problems(checkout) == []
