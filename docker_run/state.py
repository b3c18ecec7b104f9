"""What Docker says about our containers: how they stand, and the lines they wrote."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import shell
from robust_error_handler import CommandFailed, CommandTimedOut
from settings import Settings

from .engine import ask
from .refusals import is_missing

_LOG_SECONDS = 15.0
_LIST_ATTEMPTS = 5


@dataclass(frozen=True)
class ContainerState:
    """A container as it stands. `ports` maps container ports to host ports while it runs, `wanted_ports` always;
    `addresses` maps networks to addresses. `running` is False between a crash and the engine's restart of it."""

    id: str
    name: str
    image_id: str
    status: str
    running: bool
    exit_code: int
    oom_killed: bool
    restart_count: int
    pid: int
    started_at: datetime | None
    finished_at: datetime | None
    ports: Mapping[int, int]
    wanted_ports: Mapping[int, int]
    addresses: Mapping[str, str]
    labels: Mapping[str, str]
    restart_policy: str = "no"


async def inspect(name_or_id: str, settings: Settings) -> ContainerState | None:
    """How a container stands; None when there is none, or when it is not this Butler's."""
    argv = ["docker", "container", "inspect", "--", name_or_id]
    try:
        answer = await ask(argv, waiting_for="a container's state")
    except CommandFailed as error:
        if is_missing(error):
            return None
        raise
    state = read_state(json.loads(answer)[0])
    return state if state.labels.get("butler.instance") == settings.instance else None


async def list_containers(settings: Settings, *, app: str | None = None) -> list[ContainerState]:
    """All of this Butler's containers, or those of one app; running or not."""
    argv = ["docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", f"label=butler.instance={settings.instance}"]
    if app is not None:
        argv += ["--filter", f"label=butler.app={app}"]
    for _ in range(_LIST_ATTEMPTS):
        ids = (await ask(argv, waiting_for="the list of containers")).split()
        if not ids:
            return []
        try:
            answer = await ask(["docker", "container", "inspect", *ids], waiting_for="the containers' states")
        except CommandFailed as error:
            if is_missing(error):
                continue  # one of them went between the two questions
            raise
        return [read_state(entry) for entry in json.loads(answer)]
    return []


async def log_lines(name: str, settings: Settings, *, tail: int = 50, since: str | None = None) -> list[str]:
    """The last lines that a container wrote, both streams together; empty when there is no such container of ours."""
    state = await inspect(name, settings)
    if state is None:
        return []
    lines: list[str] = []
    argv = ["docker", "logs", "--tail", str(tail), *([] if since is None else ["--since", since]), state.id]
    try:
        await shell.stream(argv, lines.append, timeout_seconds=_LOG_SECONDS, waiting_for="a container's log")
    except CommandTimedOut:
        return lines
    except CommandFailed as error:
        if not is_missing(error):
            raise
        return []
    return lines


async def follow_logs(
    name: str,
    on_line: Callable[[str], None],
    settings: Settings,
    *,
    tail: int = 0,
    timeout_seconds: float = 24 * 3600,
) -> None:
    """Hand on each line that a container writes, until it stops, the time is over or the caller is cancelled."""
    state = await inspect(name, settings)
    if state is None:
        return
    argv = ["docker", "logs", "--follow", "--tail", str(tail), state.id]
    try:
        await shell.stream(argv, on_line, timeout_seconds=timeout_seconds, waiting_for="a container's log to end")
    except CommandTimedOut:
        return
    except CommandFailed as error:
        if not is_missing(error):
            raise


def read_state(entry: Mapping[str, Any]) -> ContainerState:
    """Read one entry of `docker container inspect`."""
    state, network = entry["State"], entry["NetworkSettings"]
    return ContainerState(
        id=entry["Id"],
        name=entry["Name"].removeprefix("/"),
        image_id=entry["Image"],
        status=state["Status"],
        running=bool(state["Running"]) and not state.get("Restarting", False),
        exit_code=int(state["ExitCode"]),
        oom_killed=bool(state.get("OOMKilled", False)),
        restart_count=int(entry.get("RestartCount", 0)),
        pid=int(state.get("Pid", 0)),
        started_at=_moment(state.get("StartedAt", "")),
        finished_at=_moment(state.get("FinishedAt", "")),
        ports=_host_ports(network.get("Ports")),
        wanted_ports=_host_ports(entry.get("HostConfig", {}).get("PortBindings")),
        addresses={name: end["IPAddress"] for name, end in (network.get("Networks") or {}).items() if end["IPAddress"]},
        labels=entry["Config"].get("Labels") or {},
        restart_policy=(entry.get("HostConfig", {}).get("RestartPolicy") or {}).get("Name", "no"),
    )


def _host_ports(bindings: Mapping[str, Any] | None) -> dict[int, int]:
    found: dict[int, int] = {}
    for port, ends in (bindings or {}).items():
        number, _, protocol = port.partition("/")
        hosts = [int(end["HostPort"]) for end in ends or () if end.get("HostPort")]
        if protocol in ("", "tcp") and hosts:
            found[int(number)] = hosts[0]
    return found


def _moment(text: str) -> datetime | None:
    """Docker writes nanoseconds, and the year 1 for "never"."""
    if not text or text.startswith("0001-"):
        return None
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}+00:00")
