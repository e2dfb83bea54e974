"""One JSON line an event, to a file and to standard output."""

import json
import time
from pathlib import Path


class RunLog:
    """Appends to `path`; each line carries the UTC time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path

    def write(self, **values: object) -> None:
        line = json.dumps({"utc": time.strftime("%H:%M:%S", time.gmtime()), **values})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        print(line, flush=True)
