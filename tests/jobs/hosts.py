"""Hosts made with network namespaces: each has an address of its own on one switch, and can be cut off."""

import os
import random
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self


def reason_not_permitted() -> str | None:
    """Why there can be none here."""
    if os.geteuid() != 0 or not Path("/usr/sbin/ip").exists():
        return "network namespaces need root and iproute2"
    name = f"mien-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode == 0:
        subprocess.run(["ip", "netns", "delete", name], check=True)
    return f"no network namespaces here: {made.stderr.strip()}" if made.returncode else None


class Switch:
    """In the context; this machine is on it with the last address of ``network``."""

    def __init__(self) -> None:
        self._prefix = f"198.18.{random.randrange(256)}"  # for measurements between networks (RFC 2544)
        self._name = f"mien{random.randrange(10**6)}"
        self._hosts: list[Host] = []
        self.network = f"{self._prefix}.0/24"

    def host(self) -> "Host":
        """A new host on the switch."""
        number = len(self._hosts) + 1
        host = Host(f"{self._name}-{number}", f"{self._prefix}.{number}", self._name)
        self._hosts.append(host)
        return host

    def __enter__(self) -> Self:
        _ip("link", "add", self._name, "type", "bridge")
        _ip("address", "add", f"{self._prefix}.254/24", "dev", self._name)
        _ip("link", "set", self._name, "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for host in self._hosts:
            _ip("netns", "delete", host.name)
        _ip("link", "delete", self._name)


class Host:
    """``enter`` is a command that runs another one there."""

    def __init__(self, name: str, address: str, switch: str) -> None:
        self.name = name
        self.address = address
        self.enter = ("ip", "netns", "exec", name)
        self._cable = name[-14:]
        _ip("netns", "add", name)
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", self._cable, "master", switch, "up")
        _ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", name, "link", "set", device, "up")

    def cut_off(self) -> None:
        """Pull the cable."""
        _ip("link", "set", self._cable, "down")

    def connect(self) -> None:
        """Put it back."""
        _ip("link", "set", self._cable, "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
