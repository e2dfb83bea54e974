"""A run's average, small enough for the repository: `python -m training.emotion.keep --run RUN --to FOLDER`.

Checkpoints stay on the machine that trained them. One that is worth going on from, and not good enough for the store,
is kept under `training/emotion/begun/`: its weights in half precision, and the record of how they came about. Such a
folder is a parent like any run (`--parent FOLDER/last.pt`).
"""

import argparse
from pathlib import Path

from training.common import checkpoint, provenance
from training.common.runlog import RunLog
from training.emotion.record import epochs_of, trained_by


def main() -> None:
    """Write FOLDER/last.pt and FOLDER/log.jsonl."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.keep", description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    options = parser.parse_args()
    state = checkpoint.load(options.run / "last.pt")
    weights = {name: value.half() if value.dtype.is_floating_point else value for name, value in state["ema"].items()}
    checkpoint.save(options.to / "last.pt", {"config": state["config"], "epoch": state["epoch"], "ema": weights})
    RunLog(options.to / "log.jsonl").write(
        event="keep",
        commit=provenance.head_commit(),
        command=provenance.command_line(),
        config=state["config"],
        thawed=trained_by(options.run, epochs_of(options.run)),
    )


if __name__ == "__main__":
    main()
