"""Where the models lie when nobody says otherwise."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def default_store() -> Path:
    """The store inside an installed wheel, else the one beside the package in a checkout."""
    packaged = _PACKAGE / "model_store"
    return packaged if packaged.is_dir() else _PACKAGE.parents[1] / "model_store"
