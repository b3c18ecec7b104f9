"""What it means when Docker refuses to start a container, in words a person can act on."""

from __future__ import annotations

import re
from dataclasses import dataclass

from robust_error_handler import Code, CommandFailed, DeploymentFailed, PortTaken

from .engine import said_by

_MISSING = re.compile(r"no such (container|object)", re.IGNORECASE)
_TAKEN = re.compile(
    r"port is already allocated|address already in use|ports are not available|failed to bind (host )?port",
    re.IGNORECASE,
)
_PORT = re.compile(r":(\d{1,5})(?::| failed| ->)")


@dataclass(frozen=True)
class _Rule:
    pattern: str
    code: Code
    message: str
    hint: str


_RULES = (
    _Rule(
        r"no such image|unable to find image|pull access denied",
        Code.IMAGE_NOT_FOUND,
        "The image that was to run is not there any more.",
        "Deploy again: it is built anew.",
    ),
    _Rule(
        r"no space left on device",
        Code.DISK_FULL,
        "The server's disk is full.",
        "Free some space (`docker system df` shows what Docker holds), then deploy again.",
    ),
    _Rule(
        r"exec format error",
        Code.CRASHED_AT_START,
        "The image's program is made for another kind of processor than the server's.",
        "Build it for this machine, or take a base image that exists for it.",
    ),
    _Rule(
        r'exec: ".*permission denied',
        Code.CRASHED_AT_START,
        "The start command is not an executable file.",
        "Make it executable (`chmod +x`, and commit that), or start it through its interpreter.",
    ),
    _Rule(
        r'exec: "|executable file not found|no command specified|chdir to cwd',
        Code.CRASHED_AT_START,
        "The start command of the image cannot be run.",
        "Correct CMD, ENTRYPOINT or WORKDIR in the Dockerfile: the program must exist in the image.",
    ),
    _Rule(
        r"range of cpus|memory limit|memory reservation",
        Code.INTERNAL,
        "Docker refuses the limits that the Butler sets.",
        "Correct BUTLER_CPU_LIMIT and BUTLER_MEMORY_LIMIT on the server.",
    ),
)


def is_missing(error: CommandFailed) -> bool:
    """Whether Docker says that there is no such container."""
    return _MISSING.search(said_by(error)) is not None


def refusal(error: CommandFailed, host_port: int | None) -> DeploymentFailed:
    """The error a person is shown for what Docker said."""
    said = said_by(error)
    if _TAKEN.search(said):
        found = _PORT.search(said)
        return PortTaken(host_port or (int(found[1]) if found else None), [said])
    for rule in _RULES:
        if re.search(rule.pattern, said, re.IGNORECASE):
            return DeploymentFailed(rule.code, rule.message, rule.hint, [said])
    return DeploymentFailed(
        Code.INTERNAL, f"Docker could not start the container: {said}", "Look at the line that Docker gives.", [said]
    )
