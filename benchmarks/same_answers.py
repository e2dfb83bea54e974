"""How the answers of two services differ on the same pictures, and how long they take, in turn.

    MIEN_PORT=8000 mien serve &  MIEN_PORT=8001 MIEN_PROVIDER=openvino mien serve &
    python -m benchmarks.same_answers http://127.0.0.1:8000 http://127.0.0.1:8001 PICTURE...
    python -m benchmarks.same_answers one.json other.json    # of mien predict --json FILE.json PICTURE...

Faces of the two answers are the same if their boxes overlap by half (IoU). ``alone`` is the median of single requests,
``at once`` the throughput of ``--connections``.
"""

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np

Faces = list[dict[str, Any]]
SAME = 0.5


def overlap(one: dict[str, float], other: dict[str, float]) -> float:
    width = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
    height = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one["width"] * one["height"] + other["width"] * other["height"] - shared)


def faces(client: httpx.Client, content: bytes) -> Faces:
    answer = client.post("/predict", content=content).raise_for_status()
    found: Faces = answer.json()["images"][0]["faces"]
    return found


def written(path: Path) -> list[Faces]:
    return [json.loads(line)["faces"] for line in path.read_text(encoding="utf-8").splitlines()]


def compare(first: list[Faces], second: list[Faces]) -> str:
    total, both, same_emotion, overlaps, scores = [0, 0], 0, 0, [1.0], [0.0]
    for one, other in zip(first, second, strict=True):
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


def time_both(clients: list[httpx.Client], pictures: list[Path], repeats: int, connections: int) -> None:
    contents = [path.read_bytes() for path in pictures]
    print(compare(*([faces(client, content) for content in contents] for client in clients)))
    for path, content in zip(pictures, contents, strict=True):
        times = np.asarray([[alone(client, content) for client in clients] for _ in range(repeats)])
        first, second = np.median(times, axis=0)
        print(f"{path.name:28} alone {first:7.2f} and {second:7.2f} ms, x {second / first:.2f}")
    rates = np.asarray([[at_once(client, contents * 4, connections) for client in clients] for _ in range(5)])
    first, second = np.median(rates, axis=0)
    print(f"at once, {connections} connections: {first:.1f} and {second:.1f} pictures/s, x {second / first:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs=2, metavar="URL|FILE.json")
    parser.add_argument("pictures", type=Path, nargs="*")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--connections", type=int, default=4)
    arguments = parser.parse_args()
    if not arguments.pictures:
        first, second = arguments.sources
        print(compare(written(Path(first)), written(Path(second))))
        return
    clients = [httpx.Client(base_url=url, timeout=120) for url in arguments.sources]
    time_both(clients, arguments.pictures, arguments.repeats, arguments.connections)


if __name__ == "__main__":
    main()
