"""What it means when Docker refuses to start a container, in words a person can act on."""

from __future__ import annotations

import re

from domain import Stage
from failure_advice import explain, is_host_port_taken
from robust_error_handler import Code, CommandFailed, DeploymentFailed, PortTaken

from .engine import said_by

_MISSING = re.compile(r"no such (container|object)", re.IGNORECASE)
_HOST_PORT = re.compile(r":(\d{1,5})(?::| failed| ->)")
_LIMITS = re.compile(r"range of cpus|memory limit|memory reservation|pids limit", re.IGNORECASE)
_ABOUT_THE_APP = re.compile(r"exec:? |executable|no command specified|chdir to cwd|working directory", re.IGNORECASE)


def is_missing(error: CommandFailed) -> bool:
    """Whether Docker says that there is no such container."""
    return _MISSING.search(said_by(error)) is not None


def refusal(error: CommandFailed, host_port: int | None) -> DeploymentFailed:
    """The error a person is shown for what Docker said."""
    said = said_by(error)
    if is_host_port_taken([said]):
        found = _HOST_PORT.search(said)
        return PortTaken(host_port or (int(found[1]) if found else None), [said])
    if _LIMITS.search(said):
        return DeploymentFailed(
            Code.INTERNAL,
            f"Docker refuses the limits that the Butler sets: {said}",
            "Correct BUTLER_CPU_LIMIT, BUTLER_MEMORY_LIMIT or BUTLER_PIDS_LIMIT on the server.",
            [said],
        )
    explained = explain(Stage.START, [said])
    if explained.code is not Code.CRASHED_AT_START or _ABOUT_THE_APP.search(said):
        return explained
    return DeploymentFailed(
        Code.INTERNAL,
        f"Docker could not start the container: {said}",
        "Look at what Docker says, correct it on the server, then deploy again.",
        [said],
    )
