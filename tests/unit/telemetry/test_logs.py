import json
import logging
import subprocess
import sys

import pytest

from mien.telemetry.logs import JsonFormatter, TextFormatter


def record(message: str, fields: dict[str, object] | None = None, error: Exception | None = None) -> logging.LogRecord:
    trace = (type(error), error, None) if error else None
    made = logging.LogRecord("mien.access", logging.INFO, __file__, 1, message, None, trace)
    if fields is not None:
        made.__dict__["fields"] = fields
    return made


def test_json_is_one_object_per_line() -> None:
    line = JsonFormatter().format(record("two\nlines", {"status": 200, "path": sys}))
    assert "\n" not in line
    parsed = json.loads(line)
    assert (parsed["message"], parsed["status"], parsed["level"]) == ("two\nlines", 200, "info")
    assert parsed["time"].endswith("+00:00")


def test_text_ends_with_the_fields() -> None:
    assert TextFormatter().format(record("request", {"status": 200, "ms": 1.5})).endswith("request status=200 ms=1.5")


def test_a_path_cannot_forge_a_line_or_a_field() -> None:
    line = TextFormatter().format(record("request", {"path": "/a\n23:00 INFO all good status=200"}))
    assert "\n" not in line
    assert line.endswith('path="/a\\n23:00 INFO all good status=200"')


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_an_exception_is_in_the_log(formatter: logging.Formatter) -> None:
    assert "ValueError: broken" in formatter.format(record("failed", error=ValueError("broken")))


def test_opencv_writes_nothing_past_the_log() -> None:
    code = (
        "import cv2, numpy, mien.telemetry.logs as logs; logs.configure_logging('json', 'info'); "
        "print(cv2.imdecode(numpy.frombuffer(b'BM' + bytes(60), numpy.uint8), 1))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("None\n", "")
