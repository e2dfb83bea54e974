"""Each kustomization and its folder name the same files. What is in them is checked by `make manifests`."""

from pathlib import Path

import pytest

from tests.unit.deploy.manifests import KUBERNETES, read

KUSTOMIZATIONS = sorted(KUBERNETES.glob("**/kustomization.yaml"))
FILES = sorted(path for path in KUBERNETES.rglob("*") if path.is_file())


def test_there_is_a_base() -> None:
    assert KUBERNETES / "base/kustomization.yaml" in KUSTOMIZATIONS


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_manifest_is_yaml_without_duplicate_keys(path: Path) -> None:
    assert path.suffix == ".yaml"  # `make manifests` looks for no other
    assert read(path)
    assert (path.parent / "kustomization.yaml").is_file()


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=lambda path: path.parent.name)
def test_a_kustomization_names_every_manifest_beside_it(path: Path) -> None:
    kustomization = read(path)
    patches = {patch["path"] for patch in kustomization.get("patches", []) if "path" in patch}
    beside = {file.name for file in path.parent.glob("*.yaml")} - {path.name}
    folders = {name for name in kustomization["resources"] if (path.parent / name / path.name).is_file()}
    assert {*kustomization["resources"], *patches} == beside | folders
    assert patches == {name for name in beside if name.endswith("-patch.yaml")}  # the only ones that are no manifests
