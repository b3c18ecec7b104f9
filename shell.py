"""The one door to other programs: argument lists in, lines out, and nothing left running."""

from __future__ import annotations

import asyncio
import codecs
import os
import resource
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from domain import Secret
from robust_error_handler import CommandFailed, CommandTimedOut, ToolMissing
from settings import tool_environment

OnLine = Callable[[str], None]

_CHUNK_BYTES = 64 * 1024
_LONGEST_LINE = 8 * 1024
_TAIL_LINES = 200
_GRACE_SECONDS = 3.0


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
            await _read_lines(process, keep)
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
            stdout, stderr = await process.communicate()
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
        return await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            cwd=cwd,
            env=child_env,
            start_new_session=True,
            preexec_fn=(lambda: _apply(limits)) if limits else None,
        )
    except FileNotFoundError as error:
        if cwd is not None and not Path(cwd).is_dir():
            raise
        raise ToolMissing(words[0]) from error


def _plain(value: str) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _apply(limits: list[tuple[int, int]]) -> None:
    for kind, value in limits:
        resource.setrlimit(kind, (value, value))


async def _read_lines(process: asyncio.subprocess.Process, on_line: OnLine) -> None:
    assert process.stdout is not None
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    while chunk := await process.stdout.read(_CHUNK_BYTES):
        rest = _hand_on(rest + decoder.decode(chunk), on_line)
    rest = _hand_on(rest + decoder.decode(b"", final=True), on_line)
    if rest.strip("\r"):
        on_line(_cut(rest.rstrip("\r")))


def _hand_on(text: str, on_line: OnLine) -> str:
    """Pass on the whole lines in `text` and return what follows the last line end."""
    *lines, rest = text.replace("\r\n", "\n").split("\n")
    for line in lines:
        on_line(_cut(_last_state(line)))
    if "\r" in rest[:-1]:
        rest = rest[rest.rstrip("\r").rfind("\r") + 1 :]
    return rest if len(rest) <= _LONGEST_LINE * 2 else rest[: _LONGEST_LINE + 1]


def _last_state(line: str) -> str:
    """What a terminal would show of a line that rewrote itself with carriage returns."""
    return line.rstrip("\r").rpartition("\r")[2]


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} … (line cut)"


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """End the program and everything it started; SIGTERM first, SIGKILL after a grace period."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        if process.returncode is not None:
            break
        try:
            await asyncio.wait_for(asyncio.shield(process.wait()), _GRACE_SECONDS)
            break
        except TimeoutError:
            continue
