"""Accuracy against milliseconds over the shapes that were tried.

`python -m training.emotion.pareto [--runs runs/emotion/A runs/emotion/B ...]` reads each run's int8.json (evaluate) and
its log, adds its shape to training/emotion/pareto.toml, which the card prints, or replaces what stands there of that
shape, and times all the shapes of the table anew in one race. Needs torch.
"""

import argparse
import json
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from training.common import digest, toml_text
from training.emotion.record import handed_down, trained_by
from training.emotion.session import Session

FILE = Path(__file__).with_suffix(".toml")
BATCHES = (1, 32)


@dataclass(frozen=True)
class Candidate:
    """One shape as it was trained; times are medians of one thread, comparable within one table only."""

    shape: str
    run: str
    million_multiply_adds: float  # a face
    million_parameters: float
    epochs: int
    epochs_in_all: int  # with those of the runs whose weights it began with
    teachers: int
    protocol_a: float  # per cent, int8
    batch_1: float  # ms a face
    batch_32: float


def read(path: Path = FILE) -> list[Candidate]:
    """The candidates of the file, cheapest first."""
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("candidate", [])
    return sorted((Candidate(**row) for row in rows), key=lambda row: row.batch_1)


def write(candidates: list[Candidate], path: Path = FILE) -> None:
    """Replace the file."""
    head = f"# {HEADER}\n"
    body = toml_text.dump({"candidate": [asdict(row) for row in candidates]})
    path.write_text(f"{head}\n{body}", encoding="utf-8")


HEADER = "Shapes that were tried, accuracy against time; filled by `python -m training.emotion.pareto --runs RUN...`."


def unbeaten(candidates: list[Candidate]) -> set[Candidate]:
    """Those that no other one beats in both accuracy and time (batch 1)."""
    return {
        one
        for one in candidates
        if not any(
            other.protocol_a >= one.protocol_a
            and other.batch_1 <= one.batch_1
            and (other.protocol_a, other.batch_1) != (one.protocol_a, one.batch_1)
            for other in candidates
        )
    }


def cost(path: Path) -> tuple[float, float]:
    """Millions of multiply-adds a face and of parameters of an fp32 ONNX file, its convolutions."""
    import onnx

    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    weights = {weight.name: list(weight.dims) for weight in model.graph.initializer}
    shapes = {
        value.name: [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*model.graph.value_info, *model.graph.output)
    }
    adds = parameters = 0
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        outputs, inputs, height, width = weights[node.input[1]]
        size = outputs * inputs * height * width
        parameters += size + (outputs if len(node.input) > 2 else 0)
        adds += size * shapes[node.output[0]][2] * shapes[node.output[0]][3]
    return adds / 1e6, parameters / 1e6


def timed(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The candidates with the times of their shapes here and now."""
    from training.emotion.shape_race import race_shapes  # the report reads this table where there is no torch

    by_shape = {row.shape: row for row in candidates}
    times = race_shapes(by_shape, BATCHES)
    return [
        replace(row, batch_1=round(times[shape]["batch_1"], 3), batch_32=round(times[shape]["batch_32"], 3))
        for shape, row in by_shape.items()
    ]


def candidate(run: Path) -> Candidate:
    """What a run reached in its shape; its times are left open."""
    file = run / "int8.onnx"
    made = trained_by(run, Session(file).epochs)
    adds, parameters = cost(run / "fp32.onnx")
    report = json.loads((run / "int8.json").read_text(encoding="utf-8"))
    if report["sha256"] != digest.sha256(file):
        raise SystemExit(f"{run}/int8.json holds the figures of another file: evaluate it again")
    return Candidate(
        shape=made["shape"],
        run=run.as_posix(),
        million_multiply_adds=round(adds, 1),
        million_parameters=round(parameters, 3),
        epochs=made["epochs"],
        epochs_in_all=made["epochs"] + sum(one["epochs"] for one in handed_down(made)),
        teachers=len(made["teachers"]),
        protocol_a=round(100 * report["protocol_a"]["accuracy"], 2),
        batch_1=0.0,
        batch_32=0.0,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.emotion.pareto", description=__doc__)
    parser.add_argument("--runs", type=Path, nargs="+", default=[], help="runs whose shapes are new, or better trained")
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args()
    write(timed([*read(options.out), *(candidate(run) for run in options.runs)]), options.out)
    for row in read(options.out):
        print(row)


if __name__ == "__main__":
    main()
