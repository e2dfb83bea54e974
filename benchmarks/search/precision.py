"""Average precision of single passes and calibration of the score on held-out photographs, beside YuNet-n.

    python -m benchmarks.search.precision

AP50 of boxes drawn by people (FDDB) and of all faces of 24 px and over; expected calibration error by the size of the
box. What is asked for is what version 2 of the detector has.
"""

from collections.abc import Iterator

from benchmarks.search.finders import peer_file
from benchmarks.search.table import Bench, Row, run
from mien.store import ModelStore
from mien.vision.detector import DetectorSpec
from training.detector.data import load_photographs
from training.detector.evaluate import evaluate
from training.detector.predictor import Ours, Yunet

PARTS = {
    "fddb_people": ("AP50, FDDB, people's boxes", {"320": 0.949, "640": 0.960}),
    "at_least_24": ("AP50, 24 px and over", {"320": 0.976, "640": 0.971}),
}
MOST_WRONG = 0.05  # expected calibration error of a size


def rows(bench: Bench) -> Iterator[Row]:
    if not (bench.data / "faces").exists():
        yield Row("AP50 and calibration on held-out photographs", "not measured: ../shared/data is not here")
        return
    stored = ModelStore(bench.store).pick("face-detector")
    photographs = [photograph for photograph in load_photographs(bench.data) if photograph.held_out]
    calibration = DetectorSpec.from_manifest(stored.section("detector")).calibration
    detector = Ours(stored.directory / str(stored.manifest["file"]), calibration=calibration)
    reports = evaluate(detector, photographs, bench.data)
    peer = peer_file(bench)
    others = evaluate(Yunet(peer), photographs, bench.data) if peer.exists() else {}
    for side, report in reports.items():
        for part, (title, least) in PARTS.items():
            ours = report[part]["ap50"]
            theirs = f"{others[side][part]['ap50']:.4f}" if others else ""
            name = f"{title}, {side} px (n = {report[part]['faces']})"
            yield Row(name, f"{ours:.4f}", f"{least[side]}", round(ours, 3) >= least[side], theirs)
        errors = {size: one["error"] for size, one in report["calibration"].items()}
        told = ", ".join(f"{size} px: {100 * error:.1f} %" for size, error in errors.items())
        theirs = (
            ", ".join(f"{100 * one['error']:.1f} %" for one in others[side]["calibration"].values()) if others else ""
        )
        asked = f"{100 * MOST_WRONG:.0f} %"
        yield Row(f"calibration error of the score, {side} px", told, asked, max(errors.values()) <= MOST_WRONG, theirs)


if __name__ == "__main__":
    run(__doc__, rows)
