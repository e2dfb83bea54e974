"""The image's HEALTHCHECK: exit 0 when the service in this container is ready. (A slim image has no curl.)"""

import http.client
import os
import sys

# A service that listens on every address is asked on loopback, one that listens on a single address there.
LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


def ready(host: str, port: int) -> bool:
    # http.client and not urllib, which would ask the proxy that is set for the container.
    connection = http.client.HTTPConnection(host, port, timeout=4)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    host, port = os.environ.get("MIEN_HOST", ""), os.environ.get("MIEN_PORT", "")
    # As the service reads it: empty, or the tcp://... that a Kubernetes Service called mien sets, is 8000.
    sys.exit(0 if ready(LOOPBACK.get(host, host), int(port) if port.isdecimal() else 8000) else 1)
