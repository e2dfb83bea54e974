import pytest

from mien.access.addresses import check_exposure, is_loopback, network_of
from mien.errors import InvalidOption


@pytest.mark.parametrize(
    ("name", "own"),
    [
        *((name, True) for name in ("127.0.0.1", "127.9.9.9", "::1", "localhost", "a.localhost")),
        *((name, False) for name in ("0.0.0.0", "::", "10.0.0.1", "localhost.example", "notlocalhost", "box", "")),  # noqa: S104
    ],
)
def test_loopback(name: str, own: bool) -> None:
    assert is_loopback(name) is own


@pytest.mark.parametrize("host", ["127.0.0.1", "LOCALHOST", "::1"])
def test_this_machine_alone_needs_no_word(host: str) -> None:
    check_exposure(host, allowed=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "box"])  # noqa: S104
def test_listening_to_others_needs_keys_or_a_word(host: str) -> None:
    check_exposure(host, allowed=True)
    with pytest.raises(InvalidOption) as caught:
        check_exposure(host, allowed=False)
    message = str(caught.value)
    assert all(word in message for word in (host, "MIEN_KEYS_FILE", "MIEN_API_KEYS", "MIEN_ALLOW_ANONYMOUS=yes"))
    assert message.count(". ") == 0, "one sentence"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_an_ipv6_client_is_its_network(address: str, network: str) -> None:
    assert network_of(address) == network
