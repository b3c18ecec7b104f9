"""Which port of this machine is free to publish an app on."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable

from robust_error_handler import Code, DeploymentFailed

_CONNECT_SECONDS = 0.5
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def free_host_port(first: int, last: int, is_taken: Callable[[int], bool], address: str) -> int:
    """The lowest port from `first` to `last` that nobody reserved (`is_taken`) and nothing uses.

    Raises DeploymentFailed (PORT_TAKEN) when there is none.
    """
    for port in range(first, last + 1):
        if not is_taken(port) and is_free(port, address):
            return port
    raise DeploymentFailed(
        Code.PORT_TAKEN,
        f"No port from {first} to {last} is free on the server.",
        "Delete an app that nobody needs, or raise BUTLER_LAST_HOST_PORT.",
    )


def is_free(port: int, address: str) -> bool:
    """Whether nothing answers on the port and it could be bound; an address that is not ours is asked only."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return not _answers(family, _EVERYWHERE.get(address, address), port) and _can_bind(family, address, port)


def _answers(family: socket.AddressFamily, address: str, port: int) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(_CONNECT_SECONDS)
        return probe.connect_ex((address, port)) == 0


def _can_bind(family: socket.AddressFamily, address: str, port: int) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As Docker's proxy does: a port whose last connections are only fading away counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno not in (errno.EADDRINUSE, errno.EACCES)
    return True
