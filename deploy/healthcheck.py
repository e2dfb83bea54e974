"""The image's HEALTHCHECK: exit 0 when the service in this container is ready. (A slim image has no curl.)"""

import http.client
import os
import sys


def ready(port: int) -> bool:
    # http.client and not urllib: a proxy set for the container must not be asked about its own loopback.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if ready(int(os.environ.get("MIEN_PORT", "8000"))) else 1)
