"""Which of an app's ports is its site: the document's order of clues, then what really listens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .messages import ports_in_log
from .sockets import Sockets, listening_sockets

COMMON_PORTS = (80, 8080, 3000, 8000, 5000)
_FIRST_EPHEMERAL = 32768


@dataclass(frozen=True)
class Candidate:
    """A port that may be the app's, and where that clue came from."""

    port: int
    source: str


@dataclass(frozen=True)
class Finding:
    """The port that the app is on. `verified` means that something was seen to listen there; `loopback_only` that
    nothing outside the container can reach it; `others` are the further ports that listen."""

    port: int
    source: str
    verified: bool
    loopback_only: bool = False
    others: tuple[int, ...] = ()

    def told(self, expected: int | None) -> str:
        """The finding as a sentence for the log."""
        if self.loopback_only:
            return f"The app listens on port {self.port} of 127.0.0.1 only; nothing outside its container reaches it."
        if not self.verified:
            return f"The port is taken to be {self.port} ({self.source}); what listens could not be read."
        if expected is not None and expected != self.port:
            return f"The app listens on port {self.port}, not on {expected} as expected; {self.port} is used."
        return f"The app listens on port {self.port} ({self.source})."


def candidate_ports(
    *, exposed: Sequence[int] = (), log: Iterable[str] = (), inspected: Sequence[int] = ()
) -> tuple[Candidate, ...]:
    """The clues in the document's order: EXPOSE, the log, inspect, common ports; each port once."""
    clues = [
        *((port, "EXPOSE in the Dockerfile") for port in exposed),
        *((port, "its log") for port in ports_in_log(log)),
        *((port, "docker inspect") for port in inspected),
        *((port, "a common port") for port in COMMON_PORTS),
    ]
    first: dict[int, str] = {}
    for port, source in clues:
        first.setdefault(port, source)
    return tuple(Candidate(port, source) for port, source in first.items())


def choose_port(expected: int | None, candidates: Sequence[Candidate], sockets: Sockets) -> Finding | None:
    """Judge the clues by what listens. None while nothing listens; the best clue, unverified, where that is unknown."""
    if sockets.problem is not None:
        best = Candidate(expected, "the plan") if expected is not None else next(iter(candidates), None)
        return None if best is None else Finding(best.port, best.source, verified=False)
    named = {candidate.port: candidate.source for candidate in candidates}
    if expected is not None:
        named = {expected: "as planned", **named}
    reachable = sockets.reachable
    known = [port for port in named if port in reachable]
    if known:
        return _found(known[0], named[known[0]], sockets)
    inside = [listener.port for listener in sockets.listeners if listener.loopback_only]
    meant = [port for port in named if port in inside]
    if reachable and not meant:
        return _found(_likeliest(reachable), "it listens there", sockets)
    if inside:
        port = meant[0] if meant else _likeliest(inside)
        return _found(port, named.get(port, "it listens there"), sockets, loopback_only=True)
    return None


async def find_running_port(
    *,
    pid: int,
    container_id: str,
    expected: int | None,
    exposed: Sequence[int] = (),
    log: Iterable[str] = (),
    inspected: Mapping[int, int] | Sequence[int] = (),
) -> tuple[Finding | None, Sockets]:
    """Look into a running container once: the finding, and the sockets that it rests on."""
    sockets = await listening_sockets(pid, container_id)
    candidates = candidate_ports(exposed=exposed, log=log, inspected=tuple(inspected))
    return choose_port(expected, candidates, sockets), sockets


def _found(port: int, source: str, sockets: Sockets, *, loopback_only: bool = False) -> Finding:
    others = tuple(listener.port for listener in sockets.listeners if listener.port != port)
    return Finding(port, source, verified=True, loopback_only=loopback_only, others=others)


def _likeliest(ports: Iterable[int]) -> int:
    """The lowest, since helpers and debuggers listen on high or ephemeral ones."""
    return min(ports, key=lambda port: (port >= _FIRST_EPHEMERAL, port))
