"""What nets know together: `python -m training.emotion.council MODEL.onnx MODEL.onnx ... [--most 3]`.

Teachers help a student by what they do not share: the mean of two that err on the same faces is no better than one.
Nets that began from one another do, however their views, votes or rates differed; one that began at random does not
(Lakshminarayanan et al. 2017, arXiv:1612.01474; Fort et al. 2019, "Deep ensembles: a loss landscape perspective",
arXiv:1912.02757). Measured on `valid`, so it says whom to ask, and flatters whoever is chosen by it.
"""

import argparse
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.emotion import data, metrics, targets
from training.emotion.labels import NO_LABEL
from training.emotion.session import Session


class Said(NamedTuple):
    """One net's probabilities on n faces, or the mean of those of several."""

    ferplus: NDArray[np.floating]  # [n, 8]
    fer2013: NDArray[np.floating]  # [n, 7]


class Figures(NamedTuple):
    """How right probabilities are; accuracies in per cent."""

    protocol_a: float
    protocol_b: float
    fer2013: float
    kl: float  # nats, on protocol A's faces


class Likeness(NamedTuple):
    """How alike two nets are on protocol A's faces."""

    apart: float  # per cent of faces on which they choose otherwise
    both_wrong: float  # per cent of faces
    correlation: float  # of the log of what each gives the right label


def mean(said: Sequence[Said]) -> Said:
    """The mean of probabilities."""
    return Said(
        np.mean([each.ferplus for each in said], axis=0),
        np.mean([each.fer2013 for each in said], axis=0),
    )


def figures(said: Said, faces: data.Faces) -> Figures:
    """How right `said` is about `faces`."""
    kept, label = targets.protocol_a(faces.votes)
    known = faces.fer2013 != NO_LABEL
    distribution = targets.vote_targets(faces.votes).distribution
    return Figures(
        100 * metrics.accuracy(said.ferplus[kept], label[kept]),
        100 * metrics.accuracy(said.ferplus, targets.protocol_b(faces.votes)),
        100 * metrics.accuracy(said.fer2013[known], faces.fer2013[known]),
        metrics.kl(distribution[kept], said.ferplus[kept]),
    )


def likeness(one: Said, other: Said, faces: data.Faces) -> Likeness:
    """How alike the crowd heads of two nets are on `faces`."""
    kept, label = targets.protocol_a(faces.votes)
    right = label[kept]
    scores = [said.ferplus[kept] for said in (one, other)]
    chosen = [each.argmax(axis=1) for each in scores]
    logs = [np.log(np.maximum(each[np.arange(len(right)), right], 1e-12)) for each in scores]
    return Likeness(
        100 * float((chosen[0] != chosen[1]).mean()),
        100 * float(((chosen[0] != right) & (chosen[1] != right)).mean()),
        float(np.corrcoef(logs[0], logs[1])[0, 1]),
    )


def groups(nets: Mapping[str, Said], most: int) -> list[tuple[str, ...]]:
    """The names of every group of up to `most` of the nets, the small ones first."""
    return [group for size in range(1, most + 1) for group in combinations(nets, size)]


def main() -> None:
    """Print how alike each two are, and what each group of up to `--most` is right about."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.council", description=__doc__)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--most", type=int, default=3, help="nets in a group")
    options = parser.parse_args()
    valid = data.load(options.data, "valid")
    nets = {}
    for number, path in enumerate(options.models, start=1):
        logits = Session(path).logits(valid.images)
        nets[str(number)] = Said(metrics.softmax(logits.ferplus), metrics.softmax(logits.fer2013))
        print(f"{number}: {path.as_posix()}")
    print("\ntwo nets: choose otherwise, %; both wrong, %; correlation of the log of what the right label gets")
    for one, other in combinations(nets, 2):
        alike = likeness(nets[one], nets[other], valid)
        print(f"{one}+{other}: {alike.apart:.2f} {alike.both_wrong:.2f} {alike.correlation:.3f}")
    print("\nthe mean of a group: protocol A, %; protocol B, %; FER2013, %; divergence on A, nats")
    for group in groups(nets, options.most):
        right = figures(mean([nets[name] for name in group]), valid)
        print(
            f"{'+'.join(group)}: {right.protocol_a:.2f} {right.protocol_b:.2f} {right.fer2013:.2f} {right.kl:.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
