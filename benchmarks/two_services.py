"""Two running services on the same pictures, in turn: how their answers differ, and how long they take.

    MIEN_PORT=8000 mien serve &  MIEN_PORT=8001 MIEN_PROVIDER=openvino mien serve &
    python -m benchmarks.two_services http://127.0.0.1:8000 http://127.0.0.1:8001 PICTURE...

Faces of the two answers are the same if their boxes overlap by half (IoU). ``alone`` is the median of single requests,
``at once`` the throughput of ``--connections``.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np

SAME = 0.5


def overlap(one: dict[str, float], other: dict[str, float]) -> float:
    width = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
    height = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one["width"] * one["height"] + other["width"] * other["height"] - shared)


def faces(client: httpx.Client, content: bytes) -> list[dict[str, Any]]:
    answer = client.post("/predict", content=content).raise_for_status()
    found: list[dict[str, Any]] = answer.json()["images"][0]["faces"]
    return found


def compare(first: httpx.Client, second: httpx.Client, contents: list[bytes]) -> str:
    total, both, same_emotion, overlaps, scores = [0, 0], 0, 0, [1.0], [0.0]
    for content in contents:
        one, other = faces(first, content), faces(second, content)
        total = [total[0] + len(one), total[1] + len(other)]
        for face in one:
            twin = max(other, key=lambda candidate: overlap(face["box"], candidate["box"]), default=None)
            if twin is None or overlap(face["box"], twin["box"]) < SAME:
                continue
            both += 1
            same_emotion += face["emotion"] == twin["emotion"]
            overlaps.append(overlap(face["box"], twin["box"]))
            scores += [abs(score - twin["scores"][label]) for label, score in face["scores"].items()]
    return (
        f"faces: {total[0]} and {total[1]}, {both} in both, {same_emotion} of them with the same emotion; least "
        f"overlap {min(overlaps):.3f}; a label's score differs by at most {max(scores):.4f}, on average "
        f"{np.mean(scores):.4f}"
    )


def alone(client: httpx.Client, content: bytes) -> float:
    begin = time.perf_counter()
    faces(client, content)
    return (time.perf_counter() - begin) * 1e3


def at_once(client: httpx.Client, contents: list[bytes], connections: int) -> float:
    """Pictures a second."""
    begin = time.perf_counter()
    with ThreadPoolExecutor(connections) as pool:
        done = len(list(pool.map(lambda content: faces(client, content), contents)))
    return done / (time.perf_counter() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("urls", nargs=2)
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--connections", type=int, default=4)
    arguments = parser.parse_args()
    contents = [path.read_bytes() for path in arguments.pictures]
    clients = [httpx.Client(base_url=url, timeout=120) for url in arguments.urls]
    print(compare(clients[0], clients[1], contents))
    for path, content in zip(arguments.pictures, contents, strict=True):
        times = np.asarray([[alone(client, content) for client in clients] for _ in range(arguments.repeats)])
        first, second = np.median(times, axis=0)
        print(f"{path.name:28} alone {first:7.2f} and {second:7.2f} ms, x {second / first:.2f}")
    rates = np.asarray([[at_once(client, contents * 4, arguments.connections) for client in clients] for _ in range(5)])
    first, second = np.median(rates, axis=0)
    print(
        f"at once, {arguments.connections} connections: {first:.1f} and {second:.1f} pictures/s, x {second / first:.2f}"
    )


if __name__ == "__main__":
    main()
