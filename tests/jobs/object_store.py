"""An S3-compatible object store: moto's server in a process of its own, with one bucket."""

import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

BUCKET = "mien"
_USER = "mien"


class ObjectStore:
    """Running in the context. ``enter`` as in ``Postgres``."""

    def __init__(self, folder: Path, address: str = "127.0.0.1", enter: Sequence[str] = ()) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._log = folder / "moto.log"
        self._command = [*enter, sys.executable, "-m", "moto.server", "-H", address, "-p", str(port)]
        self._url = f"http://{address}:{port}"
        self._client = boto3.client(
            "s3",
            endpoint_url=self._url,
            region_name="us-east-1",
            aws_access_key_id=_USER,
            aws_secret_access_key=_USER,
            config=Config(connect_timeout=5, read_timeout=20, retries={"max_attempts": 1}),
        )

    @property
    def variables(self) -> Mapping[str, str]:
        """What a process needs to use it."""
        return {
            "MIEN_MEDIA_URL": f"s3://{BUCKET}/jobs-of-tests",
            "AWS_ENDPOINT_URL": self._url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": _USER,
            "AWS_SECRET_ACCESS_KEY": _USER,
        }

    def keys(self) -> list[str]:
        """The names of all objects, without the prefix."""
        found = self._client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return sorted(str(one["Key"]).partition("/")[2] for one in found)

    def __enter__(self) -> Self:
        with self._log.open("w") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            try:
                self._client.create_bucket(Bucket=BUCKET)
            except BotoCoreError:
                assert self._process.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline, self._log.read_text()
                time.sleep(0.1)
            else:
                return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        self._process.kill()
        self._process.wait()
