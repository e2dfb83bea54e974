"""Two nets as one file: `python -m training.emotion.cascade --run RUN --first RUN --second RUN --onward 0.2`.

A light net answers every face. Where it is not sure, a wide one looks too, and the answer moves towards what that says.
Most faces are easy, so the file takes little more time than the light net and is more often right than it (the cascade
of Viola and Jones 2001; Wang et al. 2022, "Wisdom of committees", arXiv:2012.01988). The choice is part of the graph:
whoever runs the file sees pictures go in and logits come out, face by face and independent of the batch.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper

from training.common import provenance
from training.common.runlog import RunLog
from training.emotion import calibrate, data, targets
from training.emotion.cascade_graph import Rule, joined
from training.emotion.labels import BASIC7, FERPLUS8, NO_LABEL
from training.emotion.session import Logits, Session

HEAD_WEIGHTS = ("maps.weight", "bias")  # of both heads, [15, ...]


def certainty(logits: Logits) -> NDArray[np.floating]:
    """How certain a net is of each face, nats, [n]: see `Rule`."""
    leads = [head[:, -1] - head[:, -2] for head in (np.sort(head, axis=1) for head in logits)]
    return leads[0] + leads[1]


def temperatures(logits: Logits, valid: data.Faces) -> tuple[float, float]:
    """Which temperatures bring both heads nearest to the votes and labels of `valid`."""
    kept, _ = targets.protocol_a(valid.votes)
    votes = targets.vote_targets(valid.votes).distribution
    known = valid.fer2013 != NO_LABEL
    labels = np.eye(len(BASIC7))[np.where(known, valid.fer2013, 0)]
    return (
        round(calibrate.fit_temperature(logits.ferplus[kept], votes[kept]), 4),
        round(calibrate.fit_temperature(logits.fer2013[known], labels[known]), 4),
    )


def cooled(net: ModelProto, by: tuple[float, float]) -> ModelProto:
    """A net whose logits (and activation maps) are divided `by` a temperature for each head: two nets that are to
    answer together have to mean the same by a number."""
    divisor = np.repeat(np.array(by, np.float32), (len(FERPLUS8), len(BASIC7)))
    changed = ModelProto()
    changed.CopyFrom(net)
    heads = [weight for weight in changed.graph.initializer if weight.name in HEAD_WEIGHTS]
    if len(heads) != len(HEAD_WEIGHTS):
        raise ValueError(f"the net's heads are not {' and '.join(HEAD_WEIGHTS)}: export it again")
    for weight in heads:
        value = numpy_helper.to_array(weight)
        weight.CopyFrom(numpy_helper.from_array(value / divisor.reshape(-1, *[1] * (value.ndim - 1)), weight.name))
    return changed


def main() -> None:
    """Join RUN1/int8.onnx and RUN2/int8.onnx to RUN/int8.onnx, and their fp32 files by the same rule."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.cascade", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--first", type=Path, required=True, help="the light net's run, exported and quantised")
    parser.add_argument("--second", type=Path, required=True, help="the wide net's")
    parser.add_argument("--onward", type=float, default=0.04, help="share of valid that the second net looks at")
    parser.add_argument("--fade", type=float, default=0.4, help="see Rule")
    parser.add_argument("--share", type=float, default=1.0, help="see Rule")
    options = parser.parse_args()
    for name in ("onward", "share"):
        if not 0 < getattr(options, name) <= 1:
            parser.error(f"--{name} must lie above 0 and not above 1")
    if not options.fade > 0:
        parser.error("--fade must lie above 0")
    runs = (options.first, options.second)
    valid = data.load(options.data, "valid")
    said = [Session(run / "int8.onnx").logits(valid.images) for run in runs]
    coolings = [temperatures(logits, valid) for logits in said]
    first = Logits(*(logits / by for logits, by in zip(said[0], coolings[0], strict=True)))
    limit = round(float(np.quantile(certainty(first), options.onward)), 4)
    rule = Rule(limit, options.fade, options.share)
    options.run.mkdir(parents=True, exist_ok=True)
    for file in ("fp32.onnx", "int8.onnx"):
        nets = [cooled(onnx.load(run / file), by) for run, by in zip(runs, coolings, strict=True)]
        onnx.save(joined(nets[0], nets[1], rule), options.run / file)
    RunLog(options.run / "log.jsonl").write(
        event="cascade",
        commit=provenance.head_commit(),
        command=provenance.command_line(),
        rule=asdict(rule),
        stages=[
            {"run": run.as_posix(), "epochs": Session(run / "int8.onnx").epochs, "temperatures": list(by)}
            for run, by in zip(runs, coolings, strict=True)
        ],
    )
    print(f"{options.run}: {100 * options.onward:g} % of valid go on, those below a certainty of {limit}")


if __name__ == "__main__":
    main()
