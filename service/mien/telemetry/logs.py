"""Log lines as JSON or as text. They hold no picture content, and no file name unless ``MIEN_LOG_NAMES`` is set."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

import cv2


class JsonFormatter(logging.Formatter):
    """One JSON object per line; the ``fields`` of a record become members."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        # In ASCII: some readers of logs take U+2028 and U+0085 for ends of lines too.
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """Time, level, message, then the ``fields`` as ``key=value``."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class's own name
        fields = getattr(record, "fields", {})
        return " ".join([super().formatMessage(record), *(f"{key}={_quoted(value)}" for key, value in fields.items())])


def _quoted(value: object) -> str:
    """Quoted where a client's text (such as a path) could be mistaken for other fields or another line."""
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text)


def configure_logging(style: str, level: str) -> None:
    """Write the log of this process to standard error in ``style``: ``json`` or ``text``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
    # OpenCV would write about every broken file past our handlers; the client is told of it anyway.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    # Pillow and python-multipart would write metadata and file names at the level debug.
    for library in ("PIL", "python_multipart"):
        logging.getLogger(library).setLevel(logging.WARNING)
    # uvicorn's lines about its start and stop repeat our own.
    logging.getLogger("uvicorn.error").setLevel(max(logging.WARNING, logging.getLogger().level))
