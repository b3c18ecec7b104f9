"""Runs a build, with its output live, and again where only the network failed."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Sequence

import stamina

import shell
from docker_build.command import Build, build_argv, build_environment
from docker_build.readable import Readable
from domain import Emit, Event, EventKind, Stage
from failure_advice import explain, is_network_failure
from robust_error_handler import Code, CommandFailed, CommandTimedOut, DeploymentFailed, ToolMissing
from settings import Settings

_ATTEMPTS = 3
_FIRST_WAIT_SECONDS = 2.0
_LONGEST_WAIT_SECONDS = 20.0
_LINES_KEPT = 400
_BUILDX_MISSING = re.compile(
    r"buildx component is missing|'buildx' is not a docker command|unknown command: docker buildx"
)
_BUSY_REGISTRY = re.compile(r"toomanyrequests|429 Too Many Requests", re.IGNORECASE)


async def carry_out(
    build: Build, emit: Emit, settings: Settings, *, argv: Sequence[str] | None = None, prefix: str = ""
) -> str:
    """Run a build and return the image's id. `argv` replaces the usual command, `prefix` begins each line of output.

    Raises DeploymentFailed with the lines that show the cause, ToolMissing without buildx.
    """
    deadline = asyncio.get_running_loop().time() + settings.build_timeout_seconds
    try:
        async for attempt in stamina.retry_context(
            on=_may_pass,
            attempts=_ATTEMPTS,
            wait_initial=_FIRST_WAIT_SECONDS,
            wait_max=_LONGEST_WAIT_SECONDS,
            timeout=None,
        ):
            with attempt:
                if attempt.num > 1:
                    text = f"The network failed; trying again ({attempt.num} of {_ATTEMPTS})."
                    emit(Event(EventKind.NOTE, Stage.BUILD, text))
                await _run(build, argv or build_argv(build), emit, deadline, prefix)
    except CommandTimedOut as error:
        raise _timed_out(settings, error) from error
    except CommandFailed as error:
        raise _failure(error) from error
    return (await asyncio.to_thread(build.id_file.read_text, encoding="ascii")).strip()


async def _run(build: Build, argv: Sequence[str], emit: Emit, deadline: float, prefix: str) -> None:
    """One build; a failure carries the readable lines."""
    readable = Readable(hidden=build.secret_ids[-1])
    kept: deque[str] = deque(maxlen=_LINES_KEPT)

    def on_line(raw: str) -> None:
        text = readable.line(raw)
        if text is not None:
            kept.append(text)
            emit(Event(EventKind.LINE, Stage.BUILD, prefix + text))

    left = max(deadline - asyncio.get_running_loop().time(), 0.1)
    try:
        await shell.stream(argv, on_line, timeout_seconds=left, waiting_for="the build", env=build_environment(build))
    except CommandFailed as error:
        error.tail = list(kept) or error.tail
        raise


def _may_pass(error: Exception) -> bool:
    """Whether only the network failed, so that the same build may succeed in a moment."""
    if not isinstance(error, CommandFailed) or isinstance(error, CommandTimedOut):
        return False
    return is_network_failure(error.tail) or any(_BUSY_REGISTRY.search(line) for line in error.tail[-20:])


def _failure(error: CommandFailed) -> DeploymentFailed | ToolMissing:
    if any(_BUILDX_MISSING.search(line) for line in error.tail):
        return ToolMissing("docker-buildx")
    return explain(Stage.BUILD, error.tail)


def _timed_out(settings: Settings, error: CommandTimedOut) -> DeploymentFailed:
    return DeploymentFailed(
        Code.TIMEOUT,
        f"The build took longer than {settings.build_timeout_seconds} seconds and was ended.",
        "Make the build faster (fewer dependencies, a smaller context), or raise BUTLER_BUILD_TIMEOUT_SECONDS.",
        error.tail[-20:],
    )
