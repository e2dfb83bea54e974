"""SIGTERM under load: whatever was accepted is answered."""

import http.client
import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.e2e.server import Server

CLIENTS = 24


def test_sigterm_under_load_loses_nothing_that_was_accepted(tmp_path: Path, astronaut: bytes) -> None:
    ends = Counter[str]()
    answered_late = threading.Event()
    with Server(tmp_path) as server, ThreadPoolExecutor(CLIENTS) as pool:
        stopped_at = [float("inf")]

        def send(number: int) -> None:
            # Half of them keep their connections, the others make one for every request.
            headers = {"connection": "keep-alive" if number % 2 else "close"}
            connection = http.client.HTTPConnection("127.0.0.1", server.client.base_url.port, timeout=60)
            while True:
                try:
                    connection.request("POST", "/predict", astronaut, headers)
                    answer = connection.getresponse()
                    content = answer.read()
                except ConnectionRefusedError:
                    ends["refused"] += 1  # nothing was accepted
                    return
                except (OSError, http.client.HTTPException) as error:
                    ends[repr(error)] += 1
                    return
                assert answer.status == 200, content
                assert len(json.loads(content)["images"][0]["faces"]) == 1
                if time.monotonic() > stopped_at[0]:
                    answered_late.set()

        clients = [pool.submit(send, number) for number in range(CLIENTS)]
        time.sleep(2)
        server.client.close()
        stopped_at[0] = time.monotonic()
        assert server.stop() == 0
        for client in clients:
            client.result()
        assert "Traceback" not in server.log.read_text()
    assert answered_late.is_set(), "there was nothing in flight"
    assert ends == {"refused": CLIENTS}
