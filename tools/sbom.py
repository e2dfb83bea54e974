"""The software bill of materials of what is shipped, as CycloneDX: `make sbom` writes build/sbom.cdx.json.

cyclonedx-bom lists the environment that it runs in, with licences and dependencies. What only tests and checks need is
left out, and the models are added, with their hashes and licences.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name

from mien.store import MANIFEST
from tools.checks.locks import PIN

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "build" / "sbom.cdx.json"
_VERSION = SchemaVersion.V1_6


def main() -> int:
    document = shipped(environment(), locked(ROOT), models(ROOT))
    text = json.dumps(document, indent=2) + "\n"
    if (error := JsonStrictValidator(_VERSION).validate_str(text)) is not None:
        print(f"sbom: not valid: {error}", file=sys.stderr)
        return 1
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {len(document['components'])} components")
    return 0


def environment() -> dict[str, Any]:
    """All that is installed beside the Python that runs this."""
    program = Path(sys.executable).with_name("cyclonedx-py")
    options = ["--pyproject", str(ROOT / "pyproject.toml"), "--sv", "1.6", "--output-reproducible"]
    # Validated later, when it is smaller and complete: validation takes nearly all of the time.
    command = [str(program), "environment", sys.executable, *options, "--no-validate"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    document: dict[str, Any] = json.loads(run.stdout)
    return document


def locked(root: Path) -> set[str]:
    """The packages of the service itself."""
    lock = (root / "requirements" / "base.txt").read_text(encoding="utf-8")
    return {canonicalize_name(name) for name, _ in PIN.findall(lock)}


def models(root: Path) -> list[dict[str, Any]]:
    """The shipped models as components."""
    components = []
    for path in sorted((root / "model_store").glob(f"*/*/{MANIFEST}")):
        manifest = tomllib.loads(path.read_text(encoding="utf-8"))
        components.append(
            {
                "type": "machine-learning-model",
                "bom-ref": f"model:{manifest['name']}:{manifest['version']}",
                "name": manifest["name"],
                "version": manifest["version"],
                "hashes": [{"alg": "SHA-256", "content": manifest["sha256"]}],
                "licenses": [{"license": {"name": manifest["licence"]}}],
            }
        )
    return components


def shipped(document: dict[str, Any], names: set[str], models: list[dict[str, Any]]) -> dict[str, Any]:
    """``document`` without the packages that are not among ``names``, and with ``models``."""
    packages = [one for one in document["components"] if canonicalize_name(one["name"]) in names]
    root = document["metadata"]["component"]["bom-ref"]
    kept = {root, *(one["bom-ref"] for one in packages)}
    graph = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"] if one["ref"] in kept}
    dependencies = {ref: [name for name in needed if name in kept] for ref, needed in graph.items()}
    dependencies[root] = [*dependencies[root], *(model["bom-ref"] for model in models)]
    return {
        **document,
        "components": [*packages, *models],
        "dependencies": [{"ref": ref, "dependsOn": needed} for ref, needed in dependencies.items()],
    }


if __name__ == "__main__":
    sys.exit(main())
