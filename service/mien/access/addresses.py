"""Which addresses are this machine's own."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from mien.errors import InvalidOption


def parse_address(name: str) -> IPv4Address | IPv6Address | None:
    """The numeric address that ``name`` is; ``None`` for a host name."""
    try:
        return ip_address(name)
    except ValueError:
        return None


def is_loopback(name: str) -> bool:
    """Whether a host name or an address, in lower case, means this machine alone."""
    address = parse_address(name)
    if address is None:
        return name == "localhost" or name.endswith(".localhost")
    return address.is_loopback


def check_exposure(host: str, allowed: bool) -> None:
    """A service that others can reach needs keys, or its operator's word that it needs none (``allowed``).

    Raises:
        InvalidOption: ``host``, the address to listen on, is not this machine's alone, and nothing allows that.
    """
    if not (allowed or is_loopback(host.lower())):
        raise InvalidOption(
            "host",
            f"Without keys, anyone who can reach {host} could use the service: set MIEN_KEYS_FILE (made with mien keys "
            "add) or MIEN_API_KEYS, or set MIEN_ALLOW_ANONYMOUS=yes if that is what you want.",
        )


def network_of(address: str) -> str:
    """The address that wrong keys are counted by: an IPv6 client usually has a whole /64 to choose from."""
    parsed = parse_address(address)
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))
