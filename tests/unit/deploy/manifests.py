from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[3]
KUBERNETES = ROOT / "deploy/kubernetes"


def read(path: Path) -> Any:
    """The one document of a YAML file. A key that appears twice is an error, as it is not to kubernetes-validate."""
    return YAML(typ="safe").load(path)
