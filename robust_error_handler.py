"""The error tree: what can go wrong, in words a person can act on, with a stable code and an HTTP status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """Stable names of failures: the same on a release, in the API, in the dashboard and in the CLI."""

    # what a deployment can die of
    CLONE_REFUSED = "clone-refused"
    REPOSITORY_PRIVATE = "repository-private"
    BRANCH_MISSING = "branch-missing"
    REPOSITORY_TOO_LARGE = "repository-too-large"
    UNSAFE_REPOSITORY = "unsafe-repository"
    NOTHING_RECOGNISED = "nothing-recognised"
    DEPENDENCY_NOT_FOUND = "dependency-not-found"
    LOCKFILE_OUT_OF_SYNC = "lockfile-out-of-sync"
    BUILD_FAILED = "build-failed"
    DOCKERFILE_REFUSED = "dockerfile-refused"
    OUT_OF_MEMORY = "out-of-memory"
    DISK_FULL = "disk-full"
    CRASHED_AT_START = "crashed-at-start"
    MISSING_VARIABLE = "missing-variable"
    BUTLER_FILE_INVALID = "butler-file-invalid"
    OVERRIDES_INVALID = "overrides-invalid"
    RELEASE_COMMAND_FAILED = "release-command-failed"
    WRONG_PORT = "wrong-port"
    LOOPBACK_ONLY = "loopback-only"
    NOT_ANSWERING = "not-answering"
    PORT_TAKEN = "port-taken"
    ADDRESSES_EXHAUSTED = "addresses-exhausted"
    IMAGE_NOT_FOUND = "image-not-found"
    DOCKER_DOWN = "docker-down"
    COMPOSE_INVALID = "compose-invalid"
    COMPOSE_REFUSED = "compose-refused"
    NETWORK = "network-unreachable"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    TOOL_MISSING = "tool-missing"
    # what a request can be refused for
    INVALID_REQUEST = "invalid-request"
    INVALID_ENV_FILE = "invalid-env-file"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate-limited"
    GITHUB_TOKEN_MISSING = "github-token-missing"  # noqa: S105  a kind of error, not a token
    GITHUB_TOKEN_REFUSED = "github-token-refused"  # noqa: S105
    GITHUB_FORBIDDEN = "github-forbidden"
    GITHUB_UNAVAILABLE = "github-unavailable"
    STORAGE = "storage"
    INTERNAL = "internal"
    # what the command line adds
    SERVER_UNREACHABLE = "server-unreachable"


@dataclass(eq=False)
class ButlerError(Exception):
    """Something failed: `message` says what and why, `hint` what to do next.

    `lines` are the lines of output that show it. `status` is the HTTP status of an answer that carries it.
    """

    message: str
    hint: str = ""
    code: Code = Code.INTERNAL
    status: int = 500
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.message

    def with_lines(self, lines: Sequence[str]) -> ButlerError:
        """The same error with the lines of output that show it."""
        self.lines = tuple(lines)
        return self

    @property
    def headers(self) -> dict[str, str]:
        """Headers that an HTTP answer with this error carries."""
        return {}

    def as_dict(self, trace_id: str = "") -> dict[str, Any]:
        """The one shape in which errors leave the Butler (without its `error` envelope)."""
        return {
            "code": str(self.code),
            "message": self.message,
            "hint": self.hint,
            "lines": list(self.lines),
            "trace_id": trace_id,
        }


class DeploymentFailed(ButlerError):
    """A deployment cannot go on. Answers 422: the request was fine, the repository or the host was not."""

    def __init__(self, code: Code, message: str, hint: str, lines: Sequence[str] = ()) -> None:
        super().__init__(message, hint, code, 422, tuple(lines))


class PortTaken(DeploymentFailed):
    """Docker could not publish on this host port because something else has it; another port may do."""

    def __init__(self, host_port: int | None, lines: Sequence[str] = ()) -> None:
        super().__init__(
            Code.PORT_TAKEN,
            f"The host port {host_port or ''} is taken by something else.".replace("  ", " "),
            "Deploy again to get another port, or free this one.",
            lines,
        )
        self.host_port = host_port


class BadRequest(ButlerError):
    """What was sent cannot be used; 422."""

    def __init__(self, message: str, hint: str, code: Code = Code.INVALID_REQUEST, lines: Sequence[str] = ()) -> None:
        super().__init__(message, hint, code, 422, tuple(lines))


class Unauthorised(ButlerError):
    """Nobody is logged in, or not with what was sent; 401."""

    def __init__(self, message: str, hint: str = "Log in again.") -> None:
        super().__init__(message, hint, Code.UNAUTHORISED, 401)

    @property
    def headers(self) -> dict[str, str]:
        """How to authenticate."""
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(ButlerError):
    """It is known who asks, and it is not for them; 403."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint, Code.FORBIDDEN, 403)


class RateLimited(ButlerError):
    """Too many requests in too little time; 429."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message, f"Try again in {retry_after_seconds} s.", Code.RATE_LIMITED, 429)
        self.retry_after_seconds = retry_after_seconds

    @property
    def headers(self) -> dict[str, str]:
        """When to ask again."""
        return {"Retry-After": str(self.retry_after_seconds)}


class NotFound(ButlerError):
    """There is no such thing, or it is somebody else's (the answer is the same); 404."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint, Code.NOT_FOUND, 404)


class Conflict(ButlerError):
    """It cannot be done now because of what is already there; 409."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint, Code.CONFLICT, 409)


class CommandFailed(Exception):
    """A program ended with a code other than 0. `tail` holds its last lines; `argv` never shows secrets."""

    def __init__(self, argv: Sequence[str], exit_code: int, tail: Sequence[str]) -> None:
        self.argv = [str(part) for part in argv]
        self.exit_code = exit_code
        self.tail = list(tail)
        super().__init__(f"{' '.join(self.argv[:3])} ended with code {exit_code}: {self.tail[-1] if self.tail else ''}")


class CommandTimedOut(CommandFailed):
    """A program was ended because it took too long; `waiting_for` says what for."""

    def __init__(self, argv: Sequence[str], seconds: float, waiting_for: str, tail: Sequence[str]) -> None:
        super().__init__(argv, -9, tail)
        self.seconds = seconds
        self.waiting_for = waiting_for


class ToolMissing(ButlerError):
    """A program that the Butler calls is not installed; 503."""

    def __init__(self, program: str) -> None:
        hints = {"docker": "Run `./butler` on the server: it installs Docker or says how.", "git": "Install git."}
        super().__init__(
            f"The program {program!r} is not installed on the server.",
            hints.get(program, f"Install {program} on the server."),
            Code.TOOL_MISSING,
            503,
        )
