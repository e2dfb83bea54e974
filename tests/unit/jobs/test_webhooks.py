import socket
from typing import Any

import pytest

from mien.errors import InvalidOption
from mien.jobs.webhooks import WebhookSender, message_of

SIGNER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PUBLIC = "93.184.215.14"


@pytest.mark.parametrize("address", ["https://example.org/hook", "http://example.org:8080/hook?a=b"])
def test_addresses_of_the_internet_are_accepted(address: str) -> None:
    WebhookSender(SIGNER).check(address)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "file:///etc/passwd",
            "//example.org/",
            "https://",
            "https://user:word@example.org/",
            "http://[::1",
            "http://x:y",
        ),
        *(
            "http://127.0.0.1/",
            "http://192.168.1.1/",
            "http://[::ffff:10.0.0.1]/",
            "http://0.0.0.0/",
            "http://a.localhost/",
        ),
        *("http://224.0.0.1/", "http://100.64.0.1/", "http://[fe80::1]/"),
    ],
)
def test_others_are_refused(address: str) -> None:
    with pytest.raises(InvalidOption):
        WebhookSender(SIGNER).check(address)


def test_without_a_secret_there_are_no_webhooks() -> None:
    with pytest.raises(InvalidOption, match="MIEN_WEBHOOK_SECRET"):
        WebhookSender(None).check("https://example.org/")


def test_a_name_with_a_private_address_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the name server says first: all of its answers have to be public, and one of those is used."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def resolve(_: str, port: int, **__: Any) -> list[Any]:
            kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*kind, (PUBLIC, port)), (*kind, ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        message = message_of(f"http://rebinding.example.org:{port}/", "a" * 32, "job.succeeded", None)
        assert not WebhookSender(SIGNER).send(message)
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listener.accept()
