"""How the Docker command line is asked: hiccups are tried again, and an engine that is down is said in plain words."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import shell
from robust_error_handler import Code, CommandFailed, CommandTimedOut, DeploymentFailed

log = logging.getLogger(__name__)

BACK_OFF_SECONDS = (0.2, 0.6, 1.5)
ANSWER_SECONDS = 60.0
_SEVERAL_NETWORKS_SINCE = (1, 44)

_HICCUP = re.compile(
    r"cannot connect to the docker daemon|error during connect|connection reset by peer|connection refused"
    r"|unexpected EOF|: EOF$|i/o timeout|TLS handshake timeout|bad gateway|service unavailable"
    r"|context deadline exceeded|server gave HTTP response",
    re.IGNORECASE,
)
_NOT_ALLOWED = re.compile(r"permission denied while trying to connect", re.IGNORECASE)


@dataclass(frozen=True)
class EngineFacts:
    """What this engine can do: its processors, and whether `docker run` takes several networks at once."""

    cpus: float
    several_networks: bool


async def ask(
    argv: Sequence[str],
    *,
    waiting_for: str,
    timeout_seconds: float = ANSWER_SECONDS,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a docker command and return its output; a hiccup of the connection is tried again a few times.

    Raises CommandFailed for what Docker refused, DeploymentFailed (DOCKER_DOWN) when it does not answer.
    """
    for pause in (*BACK_OFF_SECONDS, None):
        try:
            return await shell.output(argv, timeout_seconds=timeout_seconds, waiting_for=waiting_for, env=env)
        except CommandTimedOut as error:
            raise _silent(error) from error
        except CommandFailed as error:
            said = said_by(error)
            if _NOT_ALLOWED.search(said):
                raise _not_allowed(error) from error
            if not _HICCUP.search(said):
                raise
            if pause is None:
                raise _down(error) from error
            log.warning("docker %s failed (%s); trying again in %s s", argv[1], said, pause)
            await asyncio.sleep(pause)
    raise AssertionError("unreachable: the last attempt returns or raises")


def said_by(error: CommandFailed) -> str:
    """What Docker said, in one line, without its advice to read the manual."""
    lines = [
        line.strip() for line in error.tail if line.strip() and not line.startswith(("Run 'docker", "See 'docker"))
    ]
    text = " ".join(lines)
    return re.sub(r"^(docker: |Error response from daemon: |Error: )+", "", text)


_known_facts: list[EngineFacts] = []


async def engine_facts() -> EngineFacts:
    """What the engine can do, asked once for the life of this process."""
    if not _known_facts:
        cpus, version = await asyncio.gather(
            ask(["docker", "info", "--format", "{{.NCPU}}"], waiting_for="Docker to describe itself"),
            ask(["docker", "version", "--format", "{{.Client.APIVersion}}"], waiting_for="Docker's version"),
        )
        _known_facts.append(facts_from(cpus, version))
    return _known_facts[0]


def facts_from(cpus: str, api_version: str) -> EngineFacts:
    """Read the answers; the API version is the one that client and engine agreed on."""
    numbers = tuple(int(part) for part in re.findall(r"\d+", api_version)[:2])
    count = cpus.strip()
    return EngineFacts(
        cpus=float(count) if count.isdigit() and int(count) > 0 else float("inf"),
        several_networks=numbers >= _SEVERAL_NETWORKS_SINCE,
    )


def _down(error: CommandFailed) -> DeploymentFailed:
    return DeploymentFailed(
        Code.DOCKER_DOWN,
        f"Docker does not answer: {said_by(error)}",
        "Start the Docker engine on the server (`./butler` does it, or says how), then deploy again.",
        error.tail[-5:],
    )


def _silent(error: CommandTimedOut) -> DeploymentFailed:
    return DeploymentFailed(
        Code.DOCKER_DOWN,
        f"Docker did not answer within {error.seconds:.0f} s (waiting for {error.waiting_for}).",
        "Look at the engine on the server (`docker info`), restart it if it hangs, then deploy again.",
    )


def _not_allowed(error: CommandFailed) -> DeploymentFailed:
    return DeploymentFailed(
        Code.DOCKER_DOWN,
        "The Butler may not talk to Docker: permission to the engine's socket is denied.",
        "Add the user that runs the Butler to the group `docker` (this makes it as strong as root), then restart it.",
        error.tail[-5:],
    )
