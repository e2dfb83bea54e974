"""What Mien answers for different people: the Face Research Lab London Set, by gender and ethnicity.

    make fairness    # or: python -m benchmarks.fairness [--store model_store] [--strengths strengths.json]

102 people, each neutral and smiling (DeBruine and Jones 2017, doi 10.6084/m9.figshare.5047666, CC BY 4.0), with
self-declared age, gender and ethnicity; never trained on, never used to choose a model. With the strengths of the
smiles (see `smile_strength.py`), groups are also compared at equal strength: by a least-squares fit of the
`happy` share on strength and group. Standard errors are over people.
"""

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

GROUPS = ("all", "female", "male", "white", "black", "west_asian", "east_asian")


@dataclass(frozen=True)
class Person:
    """What was answered for one person: the emotion called and the shares of `happy` and `angry`, per picture."""

    groups: frozenset[str]
    called: Mapping[str, str]
    happy: Mapping[str, float]
    angry: Mapping[str, float]
    strength: float | None  # of the smile, in standard deviations over all people


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fairness", description=__doc__)
    parser.add_argument("--london", type=Path, default=Path("../shared/data/london"))
    parser.add_argument("--store", type=Path, help="model store (default: the one that ships)")
    parser.add_argument("--strengths", type=Path, help="JSON of smile_strength.py")
    options = parser.parse_args()
    if not options.london.is_dir():
        sys.exit(f"{options.london} is not there: it holds the London set, which is not part of the project.")
    strengths = _strengths(options.strengths) if options.strengths else {}
    faces = _answers(options.london, options.store)
    with (options.london / "people.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = sum(f"{row['face_id']}-{picture}" in faces for row in rows for picture in ("neutral", "smiling"))
    print(f"found: {found} of {2 * len(rows)} faces\n")
    people = [_person(row, faces, strengths) for row in rows]
    print(_table(people))
    if strengths:
        print(_at_equal_strength(people))


def _answers(london: Path, store: Path | None) -> dict[str, dict[str, Any]]:
    """The largest face of each picture, by the picture's name."""
    command = [
        str(Path(sys.executable).with_name("mien")),
        "predict",
        "--json",
        *(["--store", str(store)] if store else []),
    ]
    pictures = sorted(london.glob("*.jpg"))
    answer = subprocess.run([*command, *map(str, pictures)], check=True, capture_output=True, text=True)
    largest = {}
    for picture, line in zip(pictures, answer.stdout.splitlines(), strict=True):
        if faces := json.loads(line)["faces"]:
            largest[picture.stem] = max(faces, key=lambda face: face["box"]["width"] * face["box"]["height"])
    return largest


def _person(row: Mapping[str, str], faces: Mapping[str, Any], strengths: Mapping[str, float]) -> Person:
    found = {picture: faces.get(f"{row['face_id']}-{picture}") for picture in ("neutral", "smiling")}
    ethnicity = row["face_eth"].split("/")[0]
    return Person(
        frozenset({"all", row["face_gender"], ethnicity}),
        {picture: face["emotion"] if face else "" for picture, face in found.items()},
        {picture: face["scores"]["happy"] if face else 0.0 for picture, face in found.items()},
        {picture: face["scores"]["angry"] if face else 0.0 for picture, face in found.items()},
        strengths.get(row["face_id"]),
    )


def _table(people: list[Person]) -> str:
    lines = [
        "| people | n | neutral called so | neutral called angry | smile called happy | mean happy share of smiles | "
        "mean angry share of neutral faces |",
        "|---|---|---|---|---|---|---|",
    ]
    for group in GROUPS:
        members = [person for person in people if group in person.groups]
        cells = [
            _share(members, lambda person: person.called["neutral"] == "neutral"),
            _share(members, lambda person: person.called["neutral"] == "angry"),
            _share(members, lambda person: person.called["smiling"] == "happy"),
            _mean([person.happy["smiling"] for person in members]),
            _mean([person.angry["neutral"] for person in members]),
        ]
        lines.append(f"| {group.replace('_', ' ')} | {len(members)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _share(people: list[Person], holds: Callable[[Person], bool]) -> str:
    count = sum(map(holds, people))
    share = count / len(people)
    return f"{count} ({100 * share:.0f} % ± {100 * (share * (1 - share) / len(people)) ** 0.5:.0f})"


def _mean(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1) / len(values) ** 0.5:.3f}"


def _strengths(path: Path) -> dict[str, float]:
    """By person: the mean of the changes from the neutral to the smiling picture in the mouth's width, the lift of its
    corners and its opening, each in standard deviations over all people."""
    measured = json.loads(path.read_text(encoding="utf-8"))
    ids = sorted(name.removesuffix("-smiling") for name in measured if name.endswith("-smiling"))
    ids = [name for name in ids if f"{name}-neutral" in measured]
    changes = np.array([np.subtract(measured[f"{name}-smiling"], measured[f"{name}-neutral"]) for name in ids])
    mean = (changes / changes.std(axis=0)).mean(axis=1)
    return dict(zip(ids, ((mean - mean.mean()) / mean.std()).tolist(), strict=True))


def _at_equal_strength(people: list[Person]) -> str:
    known = [person for person in people if person.strength is not None]
    happy = np.array([person.happy["smiling"] for person in known])
    strength = np.array([person.strength for person in known])
    lines = [
        f"\nat equal strength of the smile ({len(known)} people; correlation of strength and happy share "
        f"{np.corrcoef(strength, happy)[0, 1]:.2f})\n",
        "| group, against all others | mean strength, sd | happy share, difference | at equal strength |",
        "|---|---|---|---|",
    ]
    for group in GROUPS[1:]:
        member = np.array([group in person.groups for person in known], dtype=np.float64)
        plain, fitted = _fit(happy, [member]), _fit(happy, [member, strength, strength**2])
        mean = strength[member > 0].mean()
        lines.append(f"| {group.replace('_', ' ')} | {mean:+.2f} | {plain} | {fitted} |")
    return "\n".join(lines)


def _fit(outcome: NDArray[np.float64], columns: list[NDArray[np.float64]]) -> str:
    """The first column's coefficient in a least-squares fit with an intercept, and its standard error."""
    design = np.stack([*columns, np.ones_like(outcome)], axis=1)
    weights, *_ = np.linalg.lstsq(design, outcome, rcond=None)
    spread = ((outcome - design @ weights) ** 2).sum() / (len(outcome) - design.shape[1])
    error = (spread * np.linalg.inv(design.T @ design)[0, 0]) ** 0.5
    return f"{weights[0]:+.3f} ± {error:.3f}"


if __name__ == "__main__":
    main()
