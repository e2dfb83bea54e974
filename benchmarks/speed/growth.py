"""How the cost grows with faces, pixels, connections and cores, as JSON for ``growth_chart``.

    python -m benchmarks.speed.growth build/growth.json [--rounds 3] [--seconds 2]

Processor time per picture is the service's, under 16 connections, `auto` unless a name says otherwise.
"""

import argparse
import json
import os
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import skimage.data

from benchmarks.speed.limit import limit_of
from benchmarks.speed.pictures import many_faces, pictures
from benchmarks.speed.services import Service, service
from mien.domain import DetectorMode

_FACES = (1, 2, 4, 8, 16, 32, 64)
_WIDTHS = (320, 640, 1280, 1920, 2560, 4000, 6000)
_CLIENTS = (1, 2, 4, 8, 16, 32, 64)

Series = dict[str, list[tuple[float, float]]]


def by_faces(here: Service, measure: "Measure") -> Series:
    """1080p pictures."""
    told: Series = {"service": [], "limit": []}
    for faces in _FACES:
        data = many_faces(faces).data
        told["service"].append((faces, measure.cpu(here, data)))
        told["limit"].append((faces, measure.median(lambda: limit_of(data, DetectorMode.AUTO, measure.seconds).cpu)))  # noqa: B023
    return told


def by_pixels(here: Service, measure: "Measure") -> Series:
    """4:3 pictures of one face; megapixels."""
    told: Series = {"auto": [], "fast": []}
    astronaut = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    for width in _WIDTHS:
        height = width * 3 // 4
        picture = cv2.copyMakeBorder(
            cv2.resize(astronaut, (height, height)), 0, 0, 0, width - height, cv2.BORDER_REFLECT
        )
        data = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, 90))[1].tobytes()
        for mode in told:
            told[mode].append((width * height / 1e6, measure.cpu(here, data, f"?detector={mode}")))
    return told


def by_connections(here: Service, measure: "Measure") -> Series:
    """640 x 480, one face: pictures per second, and the median in ms."""
    told: Series = {"pictures per second": [], "median, ms": []}
    file = here.file("one.jpg", pictures()[0].data)
    for clients in _CLIENTS:
        orders = here.orders((file,), clients=clients, seconds=measure.seconds)
        reports = [here.cost(orders)[1] for _ in range(measure.rounds)]
        speed = statistics.median(report.answered / report.seconds for report in reports)
        told["pictures per second"].append((clients, speed))
        told["median, ms"].append((clients, statistics.median(report.p50 for report in reports)))
    return told


def by_cores(measure: "Measure") -> Series:
    """Pictures per second of a service that may use so many cores, 640 x 480; the generator has its own if it can."""
    told: Series = {"pictures per second": []}
    cores = sorted(os.sched_getaffinity(0))
    for count in range(1, len(cores) + 1):
        with service() as here:
            here.process.cpu_affinity(cores[:count])
            for thread in here.process.threads():
                os.sched_setaffinity(thread.id, cores[:count])
            file = here.file("one.jpg", pictures()[0].data)
            orders = here.orders((file,), clients=8 * count, seconds=measure.seconds)
            reports = [here.cost(replace(orders, clients=8 * count))[1] for _ in range(measure.rounds)]
            speed = statistics.median(report.answered / report.seconds for report in reports)
            told["pictures per second"].append((count, speed))
    return told


class Measure:
    """How long and how often to measure."""

    def __init__(self, rounds: int, seconds: float) -> None:
        self.rounds, self.seconds = rounds, seconds

    def median(self, measure: Callable[[], float]) -> float:
        return statistics.median(measure() for _ in range(self.rounds))

    def cpu(self, here: Service, data: bytes, query: str = "") -> float:
        """Milliseconds of processor time per picture."""
        file = here.file("picture.jpg", data)
        return self.median(lambda: here.cost(here.orders((file,), query, seconds=self.seconds))[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    given = parser.parse_args()
    measure = Measure(given.rounds, given.seconds)
    told: dict[str, Any] = {}
    with service() as here:
        for name, panel in (("faces", by_faces), ("pixels", by_pixels), ("connections", by_connections)):
            told[name] = panel(here, measure)
            print(name, json.dumps(told[name], default=np.float64.__float__), flush=True)
    told["cores"] = by_cores(measure)
    print("cores", json.dumps(told["cores"]), flush=True)
    given.target.parent.mkdir(parents=True, exist_ok=True)
    given.target.write_text(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
