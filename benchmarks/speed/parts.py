"""What single parts of the service cost a request: metrics, a line of the log, the JSON of an answer.

    python -m benchmarks.speed.parts

The sandbox is measured by ``benchmarks.sandbox_cost``, jobs by ``benchmarks.jobs``.
"""

import logging
import time
from collections.abc import Callable, Iterator
from io import StringIO

from benchmarks.speed.table import Options, Row, run
from mien.domain import Box
from mien.telemetry.logs import JsonFormatter
from mien.telemetry.metrics import Metrics
from mien.usecases.analyze_image import PictureResult
from mien.usecases.picture_document import picture_document, to_json
from tests.fakes import make_face

_CALLS = 2000
_STAGES = ("queue", "decode", "detect", "classify")


def rows(options: Options) -> Iterator[Row]:
    """Microseconds of processor time per request."""
    metrics = Metrics("0", lambda: None)

    def count() -> None:
        metrics.request_started()
        for stage in _STAGES:
            metrics.stage(stage, 0.001)
        metrics.picture("ok", 1)
        metrics.request_finished("POST", "/predict", 200, 0.01)

    logger = logging.Logger("parts", logging.INFO)
    handler = logging.StreamHandler(StringIO())
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    fields = {"request_id": 32 * "0", "method": "POST", "route": "/predict", "status": 200, "ms": 9.5, "pictures": 1}
    faces = tuple(make_face(Box(10, 10, 90.123, 110.456)) for _ in range(7))
    parts: dict[str, Callable[[], object]] = {
        "metrics": count,
        "a line of the log": lambda: logger.info("request", extra={"fields": fields}),
        "the JSON of 7 faces": lambda: to_json(picture_document(PictureResult(0, None, 1920, 1080, faces))),
    }
    told: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(options.rounds):
        for name, part in parts.items():
            started = time.process_time()
            for _ in range(_CALLS):
                part()
            told[name].append((time.process_time() - started) / _CALLS * 1e6)
    for name, values in told.items():
        yield Row(name, values, "µs")


if __name__ == "__main__":
    run(__doc__, rows)
