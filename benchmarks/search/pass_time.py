"""Time of one pass of the detector on one core, over YuNet-n's in the same run.

python -m benchmarks.search.pass_time
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.model_speed import peer, timed
from benchmarks.search.finders import peer_file
from benchmarks.search.table import Bench, Row, run
from mien.runtime import Session
from mien.store import ModelStore
from mien.vision.detector import OUTPUTS

MOST = 0.85
REPEATS = 200


def rows(bench: Bench) -> Iterator[Row]:
    session = Session(ModelStore(bench.store).pick("face-detector"), OUTPUTS)
    path = peer_file(bench)
    for side in (320, 640):
        picture = np.random.default_rng(0).integers(0, 255, (1, side, side, 3)).astype(np.uint8)
        programs = {"ours": partial(session.run, picture)}
        if path.exists():
            programs["peer"] = peer(path, side)  # type: ignore[assignment]
        spent = {name: times[1] for name, times in timed(programs, REPEATS).items()}  # type: ignore[arg-type]
        name = f"a pass at {side} x {side} px, one core"
        if "peer" not in spent:
            yield Row(name, f"{spent['ours']:.2f} ms")
            continue
        ratio = spent["ours"] / spent["peer"]
        told = f"{spent['ours']:.2f} ms, {ratio:.2f} x YuNet-n"
        yield Row(name, told, f"{MOST} x", ratio <= MOST, f"{spent['peer']:.2f} ms")


if __name__ == "__main__":
    run(__doc__, rows)
