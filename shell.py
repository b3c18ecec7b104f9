"""The one door to other programs: argument lists in, lines out, and nothing left running."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import resource
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from domain import Secret
from robust_error_handler import CommandFailed, CommandTimedOut, ToolMissing
from settings import tool_environment

OnLine = Callable[[str], None]

_CHUNK_BYTES = 64 * 1024
_LONGEST_LINE = 8 * 1024
_TAIL_LINES = 200
_GRACE_SECONDS = 3.0
_ORPHAN_GRACE_SECONDS = 0.15
_POLL_SECONDS = 0.02
_REAP_POLLS = 25
_PROGRESS_SECONDS = 1.0
_TICK_SECONDS = 0.25
_TICKS_FOR_CHILDREN = 4
_TICKS_FOR_OUTPUT = 40
_HAS_PRLIMIT = sys.platform == "linux"
T = TypeVar("T")


async def stream(
    argv: Sequence[str],
    on_line: OnLine,
    *,
    timeout_seconds: float,
    waiting_for: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    max_memory_bytes: int | None = None,
    max_file_bytes: int | None = None,
    ok_codes: Sequence[int] = (0,),
) -> int:
    """Run a program and hand on each line of its output (both streams merged) as it comes.

    `env` is added to the tools' own clean environment. Lines are split on `\\n` and `\\r`, cut at 8 KiB and
    decoded with replacement. The program gets its own session, and the whole group is ended on time-out or
    cancellation. Returns the exit code, one of `ok_codes`.

    Raises CommandFailed (another exit code), CommandTimedOut, ToolMissing.
    """
    tail: deque[str] = deque(maxlen=_TAIL_LINES)

    def keep(line: str) -> None:
        tail.append(line)
        on_line(line)

    process = await _start(argv, cwd, env, asyncio.subprocess.STDOUT, max_memory_bytes, max_file_bytes)
    try:
        async with asyncio.timeout(timeout_seconds):
            await _while_it_runs(process, _read_lines(process, keep))
            code = await process.wait()
    except TimeoutError:
        raise CommandTimedOut(argv, timeout_seconds, waiting_for, tail) from None
    finally:
        await _end_group(process)
    if code not in ok_codes:
        raise CommandFailed(argv, code, tail)
    return code


async def output(
    argv: Sequence[str],
    *,
    timeout_seconds: float = 30,
    waiting_for: str = "an answer",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    max_memory_bytes: int | None = None,
) -> str:
    """Run a program and return its standard output; its standard error becomes the tail of a failure.

    Raises CommandFailed, CommandTimedOut, ToolMissing.
    """
    process = await _start(argv, cwd, env, asyncio.subprocess.PIPE, max_memory_bytes, None)
    try:
        async with asyncio.timeout(timeout_seconds):
            stdout, stderr = await _while_it_runs(process, process.communicate())
    except TimeoutError:
        raise CommandTimedOut(argv, timeout_seconds, waiting_for, ()) from None
    finally:
        await _end_group(process)
    if process.returncode:
        lines = (stderr or stdout).decode("utf-8", "replace").splitlines()
        raise CommandFailed(argv, process.returncode, lines[-_TAIL_LINES:])
    return stdout.decode("utf-8", "replace")


async def _start(
    argv: Sequence[str],
    cwd: Path | None,
    env: Mapping[str, str] | None,
    stderr: int,
    max_memory_bytes: int | None,
    max_file_bytes: int | None,
) -> asyncio.subprocess.Process:
    words = [part.reveal() if isinstance(part, Secret) else part for part in argv]
    child_env = {name: _plain(value) for name, value in {**tool_environment(), **(env or {})}.items()}
    limits = [
        (kind, value)
        for kind, value in ((resource.RLIMIT_AS, max_memory_bytes), (resource.RLIMIT_FSIZE, max_file_bytes))
        if value is not None
    ]
    try:
        process = await _whole(
            asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                cwd=cwd,
                env=child_env,
                start_new_session=True,
                preexec_fn=(lambda: _apply(limits)) if limits and not _HAS_PRLIMIT else None,
            )
        )
    except FileNotFoundError as error:
        if cwd is not None and not os.path.isdir(cwd):  # noqa: ASYNC240  one stat
            raise
        raise ToolMissing(words[0]) from error
    _limit(process.pid, limits)
    return process


async def _whole(start: Coroutine[Any, Any, asyncio.subprocess.Process]) -> asyncio.subprocess.Process:
    """Start a program. Cancelled meanwhile, asyncio would end the program alone, and its children would stay."""
    starting = asyncio.ensure_future(start)
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        starting.add_done_callback(_kill_started)
        await asyncio.wait({starting}, timeout=_GRACE_SECONDS)
        if starting.done() and not starting.cancelled() and starting.exception() is None:
            await _end_group(starting.result())
        raise


def _kill_started(starting: asyncio.Future[asyncio.subprocess.Process]) -> None:
    if not starting.cancelled() and starting.exception() is None:
        _signal(starting.result(), signal.SIGKILL)
        _close(starting.result())


def _plain(value: str) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _limit(pid: int, limits: list[tuple[int, int]]) -> None:
    """Set the limits from here: code that runs between fork and exec can hang in a program with threads."""
    if sys.platform == "linux":
        for kind, value in limits:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, kind, (value, value))


def _apply(limits: list[tuple[int, int]]) -> None:
    for kind, value in limits:
        resource.setrlimit(kind, (value, value))


async def _while_it_runs(process: asyncio.subprocess.Process, reading: Coroutine[Any, Any, T]) -> T:
    """What `reading` its output gives. A child that outlives the program and holds its output open is ended."""
    task = asyncio.ensure_future(reading)
    ticks_after_end = 0
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=_TICK_SECONDS)
            ticks_after_end += process.returncode is not None
            if ticks_after_end == _TICKS_FOR_CHILDREN:
                _signal(process, signal.SIGKILL)
            if ticks_after_end == _TICKS_FOR_OUTPUT:  # a child in a session of its own
                _close(process)
        return task.result()
    finally:
        task.cancel()


async def _read_lines(process: asyncio.subprocess.Process, on_line: OnLine) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    lines = _Lines(on_line)
    while process.stdout and (chunk := await process.stdout.read(_CHUNK_BYTES)):
        lines.feed(decoder.decode(chunk))
    lines.feed(decoder.decode(b"", final=True))
    lines.close()


class _Lines:
    """Cuts text into lines. One that rewrites itself with carriage returns shows its state once a second."""

    def __init__(self, on_line: OnLine) -> None:
        self._on_line = on_line
        self._rest = ""
        self._progress: str | None = None
        self._progress_at = time.monotonic()

    def feed(self, text: str) -> None:
        *lines, rest = (self._rest + text).replace("\r\n", "\n").split("\n")
        for line in lines:
            self._finish(_last_state(line))
        *states, rest = rest.split("\r")
        if states and not rest:
            rest = f"{states[-1]}\r"
        if any(states):
            self._show(next(state for state in reversed(states) if state))
        self._rest = rest if len(rest) <= _LONGEST_LINE * 2 else rest[: _LONGEST_LINE + 1]

    def close(self) -> None:
        if self._rest.strip("\r"):
            self._finish(_last_state(self._rest))

    def _finish(self, line: str) -> None:
        if self._progress is None or line != self._progress:
            self._on_line(_cut(line))
        self._progress = None

    def _show(self, state: str) -> None:
        if time.monotonic() - self._progress_at >= _PROGRESS_SECONDS:
            self._progress, self._progress_at = state, time.monotonic()
            self._on_line(_cut(state))


def _last_state(line: str) -> str:
    """What a terminal would show of a line that rewrote itself with carriage returns."""
    return line.rstrip("\r").rpartition("\r")[2]


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} … (line cut)"


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """End the program and everything it started; SIGTERM first, SIGKILL after a grace period or a cancellation."""
    now = time.monotonic()
    deadline = now + _GRACE_SECONDS
    try:
        running = _signal(process, signal.SIGTERM)
        while running and now < deadline:
            await asyncio.sleep(_POLL_SECONDS)
            running, now = _signal(process, 0), time.monotonic()
            if process.returncode is not None:  # dead children that nobody has fetched yet look like living ones
                deadline = min(deadline, now + _ORPHAN_GRACE_SECONDS)
    finally:
        _signal(process, signal.SIGKILL)
        await _until_reaped(process)


async def _until_reaped(process: asyncio.subprocess.Process) -> None:
    """Wait until a killed program is gone for certain, so that it writes nothing more; it takes milliseconds."""
    try:
        for _ in range(_REAP_POLLS):
            if process.returncode is not None:
                break
            await asyncio.sleep(_POLL_SECONDS)
    finally:
        _close(process)


def _close(process: asyncio.subprocess.Process) -> None:
    """Close our ends of its pipes, should a child in a session of its own hold the others; asyncio offers no way."""
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()


def _signal(process: asyncio.subprocess.Process, number: int) -> bool:
    """Signal the whole group; whether anybody was there."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        return False
    return True
