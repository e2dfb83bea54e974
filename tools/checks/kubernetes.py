"""deploy/kubernetes: every manifest against Kubernetes' own strict schemas, every kustomization against its folder."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tools.checks.documents import read_schema, read_yaml, schema_errors

# The oldest release the manifests are meant for (the first to have preStop.sleep on by default is 1.30), and the newest
# one known here. The schemas ship with the test dependency kubernetes-validate.
RELEASES = ("1.30", "1.37")


def problems(root: Path) -> list[str]:
    found: list[str] = []
    kustomization_schema = read_schema(root / "deploy/schemas/kustomization.json")
    kustomizations = sorted((root / "deploy/kubernetes").glob("**/kustomization.yaml"))
    if not kustomizations:
        found.append("deploy/kubernetes has no kustomization.yaml")
    for path in kustomizations:
        where = path.relative_to(root).as_posix()
        try:
            (kustomization,) = read_yaml(path)
        except (yaml.YAMLError, ValueError) as error:
            found.append(f"{where}: {error}")
            continue
        errors = schema_errors(kustomization_schema, kustomization)
        found += [f"{where}: {error}" for error in errors]
        if not errors:
            found += _folder_problems(root, path.parent, kustomization)
    return found


def _folder_problems(root: Path, folder: Path, kustomization: dict[str, Any]) -> list[str]:
    found = []
    where = folder.relative_to(root).as_posix()
    patches = {patch["path"] for patch in kustomization.get("patches", []) if "path" in patch}
    named = {*kustomization["resources"], *patches}
    for name in sorted(named):
        target = folder / name
        if not (target.is_file() or (target / "kustomization.yaml").is_file()):
            found.append(f"{where}/kustomization.yaml names {name}, which is not there")
    for path in sorted(folder.glob("*.y*ml")):
        if path.name == "kustomization.yaml":
            continue
        if path.name not in named:
            found.append(f"{where}/{path.name} is in no kustomization: it would never be applied")
        if path.name not in patches:
            found += [f"{where}/{path.name}: {problem}" for problem in manifest_problems(path)]
    return found


def manifest_problems(path: Path) -> list[str]:
    try:
        documents = read_yaml(path)
    except yaml.YAMLError as error:
        return [str(error)]
    found = []
    for document in documents:
        if not isinstance(document, dict) or not {"apiVersion", "kind"} <= document.keys():
            found.append("a document without apiVersion and kind")
            continue
        for release in RELEASES:
            validator = _validator(release, str(document["apiVersion"]), str(document["kind"]))
            if validator is None:
                found.append(f"Kubernetes {release} has no {document['kind']} in {document['apiVersion']}")
            else:
                found += [f"Kubernetes {release}: {error}" for error in schema_errors(validator, document)]
    return found


@cache
def _validator(release: str, api_version: str, kind: str) -> Validator | None:
    # networking.k8s.io/v1 NetworkPolicy -> networkpolicy-networking-v1.json; v1 Service -> service-v1.json
    group, _, version = api_version.rpartition("/")
    name = "-".join(part for part in (kind.lower(), group.split(".")[0], version) if part)
    schema = _schemas(release) / f"{name}.json"
    if not schema.is_file():
        return None
    return Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")), registry=_definitions(release))


@cache
def _definitions(release: str) -> Registry[Any]:
    definitions = json.loads((_schemas(release) / "_definitions.json").read_text(encoding="utf-8"))
    resource = Resource.from_contents(definitions, default_specification=DRAFT202012)
    empty: Registry[Any] = Registry()
    registry: Registry[Any] = empty.with_resource("_definitions.json", resource)
    return registry


def _schemas(release: str) -> Path:
    package = Path(str(resources.files("kubernetes_validate")))
    return package / f"kubernetes-json-schema/v{release}.0-local-strict"
