"""A greedy average of checkpoints: `python -m training.emotion.greedy --run RUN --of RUN RUN ...`.

The checkpoint that is best on `valid` (protocol A), and of the others, best first, each that the average does not lose
by (Wortsman et al. 2022, "Model soups", arXiv:2203.05482, recipe 1). They must have begun alike, as for `soup`. The
statistics of their batch norms are averaged too, which `soup` allows for epochs of one run only: here an average that
suffers from that is seen to, and not taken.

`valid` chooses here, so the figure of what it chose is flattered. How much shows the same choice made on one half of
`valid` and judged on the other: `protocol_a_at_other_half`, an honest figure of the procedure.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.common import checkpoint, provenance
from training.common.runlog import RunLog
from training.emotion import calibrate, data, symmetry, targets
from training.emotion.model import EmotionNet
from training.emotion.soup import averaged, epochs_together, nets_of
from training.emotion.train import accuracies, logits_of

Chosen = tuple[int, ...]  # indices of candidates, in ascending order


def choose(candidates: int, figure: Callable[[Chosen], float]) -> Chosen:
    """Whom the greedy average is made of; `figure` says how good an average of these candidates is."""
    alone = [figure((index,)) for index in range(candidates)]
    best_first = sorted(range(candidates), key=lambda index: -alone[index])
    taken: Chosen = (best_first[0],)
    reached = alone[best_first[0]]
    for index in best_first[1:]:
        wider = tuple(sorted((*taken, index)))
        if (gained := figure(wider)) >= reached:
            taken, reached = wider, gained
    return taken


class Averages:
    """Averages of `nets`, and which of the faces `valid` each gets right; none is asked twice."""

    def __init__(self, nets: Sequence[EmotionNet], valid: data.Faces) -> None:
        kept, self._label = targets.protocol_a(valid.votes)
        self._nets = nets
        self._images = valid.images[kept]
        self._label = self._label[kept]
        self._hits: dict[Chosen, NDArray[np.bool_]] = {}

    def average(self, chosen: Chosen) -> EmotionNet:
        """The mean of the weights and of the batch norms' statistics of these nets, symmetric where they are."""
        net = averaged([self._nets[index] for index in chosen], [1.0] * len(chosen)).eval()
        if net.partners is not None:
            symmetry.project(net)
        return net

    def hits(self, chosen: Chosen) -> NDArray[np.bool_]:
        """Which of the faces that protocol A keeps [n] the average labels as the crowd does."""
        if chosen not in self._hits:
            crowd, _ = logits_of(self.average(chosen), self._images)
            self._hits[chosen] = crowd.argmax(axis=1) == self._label
        return self._hits[chosen]

    def chosen_on(self, rows: NDArray[np.bool_]) -> Chosen:
        """Whom the faces `rows` [n] choose."""
        return choose(len(self._nets), lambda chosen: float(self.hits(chosen)[rows].mean()))

    def honest(self) -> float:
        """Accuracy of what one half chooses on the other half, over both, 0 to 1."""
        count = len(self._label)
        right = sum(int(self.hits(self.chosen_on(~rows))[rows].sum()) for rows in calibrate.halves(count))
        return right / count


def main() -> None:
    """Average the chosen checkpoints into RUN/last.pt; RUN/log.jsonl says which, and of how many."""
    parser = argparse.ArgumentParser(prog="python -m training.emotion.greedy", description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--of", type=Path, nargs="+", required=True, metavar="RUN", dest="candidates")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    states = [checkpoint.load(folder / "last.pt") for folder in options.candidates]
    valid = data.load(options.data, "valid")
    averages = Averages(nets_of(states), valid)
    everyone = np.ones(len(averages.hits((0,))), dtype=np.bool_)
    chosen = averages.chosen_on(everyone)
    alone = np.array([averages.hits((index,)).mean() for index in range(len(states))])
    net = averages.average(chosen)
    parts = [states[index] for index in chosen]
    config = parts[0]["config"]
    checkpoint.save(
        options.run / "last.pt", {"config": config, "epoch": epochs_together(parts), "ema": net.state_dict()}
    )
    RunLog(options.run / "log.jsonl").write(
        event="soup",
        commit=provenance.head_commit(),
        command=provenance.command_line(),
        config=config,
        statistics="mean",
        parts=[{"run": options.candidates[index].as_posix(), "share": 1.0} for index in chosen],
        chosen_from=len(states),
        protocol_a_of_candidates=[round(100 * float(alone.mean()), 2), round(100 * float(alone.std()), 2)],
        protocol_a_at_other_half=round(100 * averages.honest(), 2),
        **accuracies(net, valid),
    )


if __name__ == "__main__":
    main()
