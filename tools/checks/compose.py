"""docker-compose.yml against the compose specification, and Prometheus' file against the service that it scrapes."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from tools.checks.documents import read_schema, read_yaml, schema_errors

COMPOSE = "docker-compose.yml"
PROMETHEUS = "deploy/prometheus/prometheus.yml"


def problems(root: Path) -> list[str]:
    try:
        (compose,) = read_yaml(root / COMPOSE)
        (prometheus,) = read_yaml(root / PROMETHEUS)
    except (OSError, ValueError, yaml.YAMLError) as error:
        return [str(error)]
    schema = resources.files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json")
    specification = Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
    found = [f"{COMPOSE}: {error}" for error in schema_errors(specification, compose)]
    prometheus_schema = read_schema(root / "deploy/schemas/prometheus.json")
    found += [f"{PROMETHEUS}: {error}" for error in schema_errors(prometheus_schema, prometheus)]
    return found or [*_missing_files(root, compose), *_missing_targets(compose, prometheus)]


def _missing_files(root: Path, compose: dict[str, Any]) -> list[str]:
    found = []
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0] if isinstance(volume, str) else volume.get("source", "")
            if source.startswith(".") and not (root / source).exists():
                found.append(f"{COMPOSE}: {name} mounts {source}, which is not there")
            elif not source.startswith((".", "/")) and source not in compose.get("volumes", {}):
                found.append(f"{COMPOSE}: {name} mounts the volume {source}, which is not declared")
    for name, secret in compose.get("secrets", {}).items():
        # ${NAME:-default} is read as compose reads it where NAME is not set; a secret need not come from a file.
        source = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", secret.get("file", COMPOSE))
        if not (root / source).is_file():
            found.append(f"{COMPOSE}: the secret {name} is in {source}, which is not there")
    return found


def _missing_targets(compose: dict[str, Any], prometheus: dict[str, Any]) -> list[str]:
    """Scrape targets that are no service of the compose file, ports that it does not publish, keys that it lacks."""
    mounted = {f"/run/secrets/{name}" for name in compose["services"].get("prometheus", {}).get("secrets", [])}
    keys = {
        scrape["authorization"]["credentials_file"]
        for scrape in prometheus["scrape_configs"]
        if "authorization" in scrape
    }
    found = [f"{PROMETHEUS}: {COMPOSE} mounts no {key} for it" for key in sorted(keys - mounted)]
    listening = {
        f"{name}:{port.rpartition(':')[2]}"
        for name, service in compose["services"].items()
        for port in service.get("ports", [])
    }
    targets = [
        target
        for scrape in prometheus["scrape_configs"]
        for static in scrape["static_configs"]
        for target in static["targets"]
    ]
    return found + [
        f"{PROMETHEUS}: no service of {COMPOSE} listens on {target}" for target in targets if target not in listening
    ]
