"""The process itself: how it starts, fails and stops."""

import io
import json
import os
import resource
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image

from tests.e2e.server import MIEN, Server


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MIEN_DATA_DIR": os.devnull}  # that of the machine's own service is in use
    return subprocess.run([MIEN, *arguments], capture_output=True, text=True, timeout=60, check=False, env=environment)


def test_sigterm_answers_the_request_in_flight_and_exits_with_0(tmp_path: Path, astronaut: bytes) -> None:
    with Server(tmp_path) as server, ThreadPoolExecutor(1) as pool:
        files = [("file", ("a.jpg", astronaut))] * 60
        answer = pool.submit(httpx.post, f"{server.url}/predict?detector=accurate", files=files, timeout=60)
        while "mien_http_requests_in_flight 2.0" not in server.client.get("/metrics").text:
            assert not answer.done(), "too fast to be caught in flight"
        server.client.close()
        assert server.stop() == 0
        assert len(answer.result().raise_for_status().json()["images"]) == 60
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/health/live")
        assert "Traceback" not in server.log.read_text()


def test_a_changed_model_ends_the_process_with_one_sentence(tmp_path: Path) -> None:
    store = Path(__file__).resolve().parents[2] / "model_store"
    for source in store.glob("*/*/*"):
        target = tmp_path / source.relative_to(store)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes() + (b"!" if source.suffix == ".onnx" else b""))
    ended = run("serve", "--port", "0", "--store", tmp_path)
    assert ended.returncode == 1
    (line,) = [line for line in ended.stderr.splitlines() if "INFO" not in line]
    assert line.startswith("mien: ")
    assert "model.onnx" in line


def test_a_missing_store_and_a_bad_setting(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    ended = run("serve", "--port", "0", "--store", nowhere)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"mien: --store cannot be used (it is '{nowhere}')")
    assert ended.stderr.count("\n") == 1
    ended = run("serve", "--port", "high")
    assert ended.returncode == 2
    assert ended.stderr.startswith("mien: --port cannot be used (it is 'high')")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [("serve", "--port", "0", "--provider", "cuda"), ("predict", __file__)])
def test_a_provider_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    monkeypatch.setenv("MIEN_PROVIDER", "cuda")
    ended = run(*command)
    assert ended.returncode == 2
    (line,) = [line for line in ended.stderr.splitlines() if "INFO" not in line]
    assert line.startswith("mien: The provider cuda is not in the installed onnxruntime")
    assert "CPUExecutionProvider" in line
    assert "onnxruntime-gpu" in line


def test_a_port_that_is_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run("serve", "--port", str(taken.getsockname()[1]))
    assert ended.returncode == 2
    assert "address already in use" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_the_probes_answer_beside_hundreds_of_half_open_requests(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))  # the server inherits it
        try:
            server = stack.enter_context(Server(tmp_path))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(600):
            half = socket.create_connection((server.client.base_url.host, server.client.base_url.port or 80))
            stack.enter_context(half).sendall(b"GET /heal")
        for path in ("/health/live", "/health/ready"):
            assert httpx.get(f"{server.url}{path}", timeout=5).status_code == 200


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts as Linux does")
def test_memory_is_reused_from_one_picture_to_the_next(server: Server, astronaut: bytes) -> None:
    data = io.BytesIO()
    Image.open(io.BytesIO(astronaut)).resize((1024, 768)).save(data, "JPEG")

    def faults() -> int:
        after_name = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2]
        return int(after_name.split()[7])  # minor page faults

    for _ in range(30):  # every thread has decoded one
        server.client.post("/predict", content=data.getvalue()).raise_for_status()
    before = faults()
    for _ in range(50):
        server.client.post("/predict", content=data.getvalue()).raise_for_status()
    assert (faults() - before) / 50 < 500  # 2,800 where the memory goes back to the system in between


def test_memory_and_descriptors_do_not_grow(server: Server, astronaut: bytes) -> None:
    process = psutil.Process(server.process.pid)
    for _ in range(50):
        server.client.post("/predict", content=astronaut).raise_for_status()
    files, memory = process.num_fds(), process.memory_info().rss
    for _ in range(150):
        server.client.post("/predict", content=astronaut).raise_for_status()
    assert process.num_fds() <= files
    assert process.memory_info().rss - memory < 30 << 20


def test_the_command_line(astronaut_file: Path, tmp_path: Path) -> None:
    started = time.monotonic()
    table = run("predict", astronaut_file)
    assert table.returncode == 0, table.stderr
    assert "happy" in table.stdout
    assert time.monotonic() - started < 30
    found = json.loads(run("predict", "--json", astronaut_file).stdout)
    assert [face["emotion"] for face in found["faces"]] == ["happy"]
    drawn = run("predict", "--annotate", tmp_path, astronaut_file)
    assert drawn.returncode == 0, drawn.stderr
    assert (tmp_path / "astronaut.annotated.jpg").stat().st_size > 10_000
    assert run("models").stdout.count("yes") == 2


def test_no_telemetry_is_sent_and_nothing_left_in_the_home_folder(astronaut_file: Path, tmp_path: Path) -> None:
    # onnxruntime keeps what it means to send in the home folder; on build machines (CI) it is silent by itself.
    ours = {name: value for name, value in os.environ.items() if name not in {"CI", "ORT_DISABLE_TELEMETRY"}}
    subprocess.run([MIEN, "predict", astronaut_file], env={**ours, "HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the heaps of glibc")
def test_workers_share_as_many_heaps_as_there_are_workers(tmp_path: Path, astronaut: bytes) -> None:
    heap = 64 << 20  # bytes; see HEAP_MAX_SIZE in glibc's malloc/arena.c
    with Server(tmp_path, {"MIEN_WORKERS": "2"}) as server, ThreadPoolExecutor(8) as pool:
        for answer in pool.map(lambda _: httpx.post(f"{server.url}/predict", files={"file": astronaut}), range(40)):
            answer.raise_for_status()
        lines = Path(f"/proc/{server.process.pid}/maps").read_text().splitlines()
    spans = [[int(end, 16) for end in line.split()[0].split("-")] for line in lines]
    maps = [(start, end, line.split()[1]) for (start, end), line in zip(spans, lines, strict=True)]
    # Beside the first heap, each begins at a multiple of its largest size, which is reserved up to its end.
    others = [
        start
        for (start, end, access), (rest, rest_end, rest_access) in pairwise(maps)
        if start % heap == 0 and end == rest and rest_end - start == heap and (access, rest_access) == ("rw-p", "---p")
    ]
    assert len(others) <= 1
