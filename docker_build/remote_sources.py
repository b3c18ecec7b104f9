"""Where an `ADD` may fetch from: the daemon does it from the host's own network, so only public addresses will do."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from workspace.hosts import is_public

_LOOK_UP_SECONDS = 5.0
_SCP_LIKE = re.compile(r"[\w.-]+@([\w.-]+):")


async def unsafe_sources(sources: Iterable[tuple[int, str]]) -> list[str]:
    """One sentence for each address that is not a public one; empty when all are."""
    found = []
    for line, address in sources:
        host = _host(address)
        if not host or not await _is_public(host):
            what = (
                f"ADD fetches from {host or address[:100]!r}, which is no public address that this server can look up"
            )
            found.append(f"line {line}: {what}; commit the file, or fetch it with RUN wget or curl")
    return found


def _host(address: str) -> str:
    if match := _SCP_LIKE.match(address):
        return match[1]
    try:
        return urlsplit(address if "://" in address else f"https://{address}").hostname or ""
    except ValueError:
        return ""


async def _is_public(host: str) -> bool:
    try:
        async with asyncio.timeout(_LOOK_UP_SECONDS):
            answers = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return False
    return all(is_public(str(answer[4][0])) for answer in answers)
