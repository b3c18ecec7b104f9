"""The sockets that listen inside a container's network, read from the kernel's own table."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import shell
from robust_error_handler import CommandFailed

_LISTENING = "0A"
_DOCKER_DNS = "127.0.0.11"
_EXEC_SECONDS = 10.0


@dataclass(frozen=True)
class Listener:
    """A TCP port on which something listens; `loopback_only` when nothing outside the container reaches it."""

    port: int
    address: str
    loopback_only: bool


@dataclass(frozen=True)
class Sockets:
    """What listens in a container; `problem` says why it could not be read."""

    listeners: tuple[Listener, ...] = ()
    problem: str | None = None

    @property
    def reachable(self) -> frozenset[int]:
        """Ports that can be published."""
        return frozenset(listener.port for listener in self.listeners if not listener.loopback_only)

    @property
    def addresses(self) -> tuple[str, ...] | None:
        """`address:port` of each, as the advice table takes it; None where nothing is known."""
        if self.problem is not None:
            return None
        return tuple(
            f"[{each.address}]:{each.port}" if ":" in each.address else f"{each.address}:{each.port}"
            for each in self.listeners
        )


async def listening_sockets(pid: int, container_id: str) -> Sockets:
    """What listens in a container, from the host's `/proc` where the engine is here, else from inside it."""
    if pid <= 0:
        return Sockets(problem="the container does not run")
    table = await asyncio.to_thread(_table_from_host, pid, container_id)
    if table is None:
        table = await _table_from_inside(container_id)
    if table is None:
        return Sockets(problem="the container has no program that could read its sockets")
    return Sockets(read_listeners(table))


def read_listeners(table: str) -> tuple[Listener, ...]:
    """Read the text of `/proc/net/tcp` and `tcp6`: one entry for each port, lowest first, without Docker's own DNS."""
    addresses: dict[int, list[IPv4Address | IPv6Address]] = {}
    for address, port in _rows(table):
        if str(address) != _DOCKER_DNS:
            addresses.setdefault(port, []).append(address)
    return tuple(_listener(port, found) for port, found in sorted(addresses.items()))


def _table_from_host(pid: int, container_id: str) -> str | None:
    """None where that process is not this container's: the engine is elsewhere, or its numbers are not ours."""
    process = Path("/proc") / str(pid)
    try:
        if len(container_id) < 12 or container_id not in (process / "cgroup").read_text(encoding="utf-8"):
            return None
        return (process / "net/tcp").read_text(encoding="ascii") + _if_there(process / "net/tcp6")
    except (OSError, ValueError):
        return None


def _if_there(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""  # the kernel has no IPv6


async def _table_from_inside(container_id: str) -> str | None:
    for files in (("/proc/net/tcp", "/proc/net/tcp6"), ("/proc/net/tcp",)):
        argv = ["docker", "exec", container_id, "cat", *files]
        try:
            return await shell.output(argv, timeout_seconds=_EXEC_SECONDS, waiting_for="the container's sockets")
        except CommandFailed:
            continue
    return None


def _rows(table: str) -> Iterator[tuple[IPv4Address | IPv6Address, int]]:
    for line in table.splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[3] == _LISTENING and fields[0].endswith(":"):
            address, _, port = fields[1].partition(":")
            yield _address(address), int(port, 16)


def _address(digits: str) -> IPv4Address | IPv6Address:
    """The kernel writes an address as 32-bit words in the machine's byte order, which is little-endian where we run."""
    raw = b"".join(bytes.fromhex(digits[start : start + 8])[::-1] for start in range(0, len(digits), 8))
    address = ip_address(raw)
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _listener(port: int, addresses: list[IPv4Address | IPv6Address]) -> Listener:
    outside = [address for address in addresses if not address.is_loopback]
    shown = (outside or addresses)[0]
    return Listener(port, str(shown), loopback_only=not outside)
