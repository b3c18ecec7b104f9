"""How a command ends badly: a failure with the exit code that scripts see, and what it looks like as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from cli.terminal_text import plain
from robust_error_handler import ButlerError, Code

SCHEMA = 1
PROGRAM = "./butler"
"""How the command line is called in hints."""


class ExitCode(IntEnum):
    """What the command line's exit codes mean; documented in `--help`."""

    OK = 0
    FAILED = 1
    USAGE = 2
    DEGRADED = 3
    NOT_LOGGED_IN = 4
    NOT_FOUND = 5
    UNREACHABLE = 6
    TIMEOUT = 7
    INTERRUPTED = 130


@dataclass(eq=False)
class Failure(ButlerError):
    """A command failed. `facts` go beside the error in JSON, such as the name of the deployment that failed.

    `is_shown` means that the user has seen it already.
    """

    exit_code: ExitCode = ExitCode.FAILED
    trace_id: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    is_shown: bool = False


def usage(message: str, hint: str = "") -> Failure:
    """The command was given something that it cannot use, or too little."""
    return Failure(message, hint, Code.INVALID_REQUEST, 422, exit_code=ExitCode.USAGE)


def unreachable(url: str, reason: str, hint: str = "") -> Failure:
    """No Butler answers at an address."""
    return Failure(
        f"No Butler answers at {url} ({reason}).",
        hint or f"Start it with `{PROGRAM} serve`, or say where it is with BUTLER_URL.",
        Code.SERVER_UNREACHABLE,
        503,
        exit_code=ExitCode.UNREACHABLE,
    )


def not_logged_in(url: str, message: str = "", hint: str = "") -> Failure:
    """Nobody is logged in, or the log-in has ended."""
    return Failure(
        message or f"You are not logged in to {url}.",
        hint or f"Log in with `{PROGRAM} login` (`{PROGRAM} register` makes an account), or set BUTLER_TOKEN.",
        Code.UNAUTHORISED,
        401,
        exit_code=ExitCode.NOT_LOGGED_IN,
    )


def from_answer(status: int, body: object) -> Failure:
    """The failure that the server answered with; its text is made safe for a terminal."""
    whole = body if isinstance(body, dict) else {}
    told = whole.get("error")
    error: dict[str, Any] = told if isinstance(told, dict) else {}
    return Failure(
        plain(str(error.get("message") or f"The server answered with HTTP {status}.")),
        plain(str(error.get("hint") or "")),
        _code(error.get("code")),
        status,
        tuple(plain(str(line)) for line in error.get("lines") or ()),
        exit_code=_EXIT_CODES.get(status, ExitCode.FAILED),
        trace_id=plain(str(error.get("trace_id") or "")),
        facts={key: value for key, value in whole.items() if key != "error"},
    )


@contextmanager
def from_system() -> Iterator[None]:
    """What this machine refuses, such as a folder that may not be written to, as a failure."""
    try:
        yield
    except BrokenPipeError:  # whoever read our output has read enough
        raise
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise Failure(f"{place}{error.strerror or error}.", "Correct that and try again.") from error


def exit_code_of(error: ButlerError) -> ExitCode:
    """The exit code for an error, also for one that was raised by a module of the server that works locally."""
    if isinstance(error, Failure):
        return error.exit_code
    return _EXIT_CODES.get(error.status, ExitCode.FAILED)


def as_json(error: ButlerError) -> dict[str, Any]:
    """An error as the one object that `--json` prints."""
    trace_id = error.trace_id if isinstance(error, Failure) else ""
    facts = error.facts if isinstance(error, Failure) else {}
    return {"schema": SCHEMA, "error": error.as_dict(trace_id), **facts}


_EXIT_CODES = {401: ExitCode.NOT_LOGGED_IN, 404: ExitCode.NOT_FOUND}


def _code(text: object) -> Code:
    try:
        return Code(str(text))
    except ValueError:
        return Code.INTERNAL
