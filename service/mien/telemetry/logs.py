"""Log lines for a machine (one JSON object each) or for a person; no picture, and no name of one unless asked for."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

import cv2


class JsonFormatter(logging.Formatter):
    """One JSON object a line; the ``fields`` of a record become members."""

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
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """Time, level, message, then the ``fields`` as ``key=value``."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class's own name
        fields = getattr(record, "fields", {})
        return " ".join([super().formatMessage(record), *(f"{key}={_plain(value)}" for key, value in fields.items())])


def _plain(value: object) -> str:
    """Quoted where a caller's words (a path, say) could pass for other fields or for a line of their own."""
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text)


def configure_logging(style: str, level: str) -> None:
    """Send every log line of this process to standard error in ``style`` (``json`` or ``text``)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)  # Pillow's remarks on odd metadata become lines too
    # OpenCV writes of every broken file, past our handlers: the caller is told, and nothing else can be done about it.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    # What uvicorn says of its own start and stop is noise beside our own lines.
    logging.getLogger("uvicorn.error").setLevel(max(logging.WARNING, logging.getLogger().level))
