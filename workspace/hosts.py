"""Which Git hosts may be reached: every address of a host is checked once, and the connection is held to those."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from robust_error_handler import Code, DeploymentFailed
from settings import Settings, tool_environment
from workspace.git_address import GitAddress, is_allowed_private
from workspace.git_errors import TransientFailure

RESOLVE_TIMEOUT_SECONDS = 15

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address
# `is_global` says yes to these, though each can carry an inner address that is not.
_CARRIERS = tuple(
    ipaddress.ip_network(range_)
    for range_ in ("2002::/16", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "::/96", "fec0::/10", "192.88.99.0/24")
)


async def checked_addresses(address: GitAddress, settings: Settings) -> tuple[str, ...]:
    """The IP addresses of the host, all of them fit to be reached; none for local paths or behind a proxy.

    Raises DeploymentFailed (CLONE_REFUSED), TransientFailure (the name could not be resolved).
    """
    if address.scheme == "file":
        return ()
    try:
        found = await _resolve(address)
    except (OSError, TimeoutError) as error:
        if _has_proxy():  # a machine that only knows its proxy cannot resolve names, and the proxy decides
            return ()
        raise _unresolved(address, error) from error
    if not is_allowed_private(address, settings) and not all(is_public(text) for text in found):
        raise DeploymentFailed(
            Code.CLONE_REFUSED,
            f"The host {address.host!r} is not on the public internet, so it is not cloned from.",
            "Check the address. The operator can allow a private Git host with BUTLER_ALLOWED_PRIVATE_HOSTS.",
        )
    return found


def is_public(text: str) -> bool:
    """Whether an IP address is one that anybody on the internet could reach."""
    try:
        address: _IP = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    carried = any(address.version == range_.version and address in range_ for range_ in _CARRIERS)
    return address.is_global and not address.is_multicast and not carried


async def _resolve(address: GitAddress) -> tuple[str, ...]:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(RESOLVE_TIMEOUT_SECONDS):
        rows = await loop.getaddrinfo(address.host, address.effective_port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(row[4][0]) for row in rows))


def _unresolved(address: GitAddress, error: Exception) -> DeploymentFailed:
    unknown = isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME
    message = f"The host {address.host!r} could not be found."
    if unknown:
        return DeploymentFailed(Code.NETWORK, message, "Check the spelling of the address, and the server's network.")
    return TransientFailure(Code.NETWORK, message, "Check that the server reaches a name server, then deploy again.")


def _has_proxy() -> bool:
    environment = tool_environment()
    return any(environment.get(name) for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"))
