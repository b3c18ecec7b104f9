"""What the Butler stands on: the programs (docker, compose, git) and their versions, disk, memory and load."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import shell
from robust_error_handler import ButlerError, Code, CommandFailed, CommandTimedOut, DeploymentFailed
from settings import Settings

_ANSWER_SECONDS = 5.0

TOOLS: dict[str, list[str]] = {
    "docker": ["docker", "version", "--format", "{{.Server.Version}}"],
    "compose": ["docker", "compose", "version", "--short"],
    "git": ["git", "version"],
}
_REMEDIES = {
    "docker": "Start the Docker engine (`systemctl start docker`, or run `./butler` again), then try again.",
    "compose": "Install Compose v2, the `docker compose` plugin (Debian: `apt-get install docker-compose`).",
    "git": "Install git (`apt-get install git`).",
}


@dataclass(frozen=True)
class ToolState:
    """One program: whether it answers, its version, and otherwise what is wrong and what to do."""

    name: str
    ok: bool
    version: str | None = None
    message: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Room:
    """How much there is of something, and how much of it is free, in bytes."""

    total: int
    free: int


async def tool_state(name: str) -> ToolState:
    """The state of one of `docker`, `compose` and `git`. Never raises for what is wrong with the tool."""
    try:
        answer = await shell.output(
            TOOLS[name], timeout_seconds=_ANSWER_SECONDS, waiting_for=f"{name} to tell its version"
        )
    except CommandTimedOut:
        return ToolState(name, False, None, f"{name} has not answered within {_ANSWER_SECONDS:g} s.", _REMEDIES[name])
    except CommandFailed as error:
        reason = error.tail[-1] if error.tail else f"{name} ended with code {error.exit_code}."
        return ToolState(name, False, None, reason, _REMEDIES[name])
    except ButlerError as error:
        return ToolState(name, False, None, error.message, error.hint)
    return ToolState(name, True, answer.strip().removeprefix("git version ").removeprefix("v"))


async def require_docker() -> None:
    """Raise DeploymentFailed where the Docker engine does not answer."""
    state = await tool_state("docker")
    if not state.ok:
        raise DeploymentFailed(
            Code.DOCKER_DOWN, f"Docker is not answering: {state.message}", state.hint, [state.message]
        )


def disk(settings: Settings) -> Room:
    """The disk that the data directory is on."""
    usage = shutil.disk_usage(settings.data_dir)
    return Room(usage.total, usage.free)


def memory(table: Path = Path("/proc/meminfo")) -> Room | None:
    """The machine's memory, and what programs could have of it; None on systems that do not tell."""
    try:
        kibibytes = dict(re.findall(r"^(\w+):\s+(\d+) kB$", table.read_text(encoding="ascii"), re.MULTILINE))
        return Room(int(kibibytes["MemTotal"]) * 1024, int(kibibytes["MemAvailable"]) * 1024)
    except (OSError, ValueError, KeyError):
        return None


def load() -> tuple[float, float, float] | None:
    """How many programs wanted a processor in the last 1, 5 and 15 minutes; None on systems that do not tell."""
    try:
        return os.getloadavg()
    except OSError:
        return None


def processors() -> int:
    """How many processors the machine has."""
    return os.cpu_count() or 1
