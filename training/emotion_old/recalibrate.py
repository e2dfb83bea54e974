"""New temperatures for a file of the store: `python -m training.emotion.recalibrate --version N --meaning MEANING`.

The net stays as it is; what its scores are fitted to changes. Writes the manifest; `make model-report` then measures
the file at its new temperatures.
"""

import argparse
import tomllib
from pathlib import Path

from training.common import toml_text
from training.emotion import data
from training.emotion.calibrate import Meaning
from training.emotion.evaluate import measure


def main() -> None:
    """Fit both heads' temperatures on all of `valid`, as `pack` does."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.recalibrate", description=__doc__)
    parser.add_argument("--version", required=True)
    parser.add_argument("--meaning", type=Meaning, choices=list(Meaning), required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    options = parser.parse_args()
    folder: Path = options.store / "emotion" / options.version
    manifest = folder / "manifest.toml"
    tables = tomllib.loads(manifest.read_text(encoding="utf-8"))
    measured = measure(folder / tables["file"], data.load(options.data, "valid"), options.meaning)
    for name, head in tables["heads"].items():
        head["temperature"] = round(measured["temperature"][name]["all"], 4)
    tables["heads"]["ferplus8"]["fitted_to"] = options.meaning.value
    manifest.write_text(toml_text.dump(tables), encoding="utf-8")
    print(f"{folder}: " + ", ".join(f"{name} {head['temperature']}" for name, head in tables["heads"].items()))


if __name__ == "__main__":
    main()
