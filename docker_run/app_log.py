"""What an app's containers write, as one log: numbered by the time of each line, read from any number on, and followed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

import shell
from robust_error_handler import CommandFailed, CommandTimedOut
from settings import Settings

from .refusals import is_missing
from .state import ContainerState, list_containers

TAIL_LINES = 1_000
_READ_SECONDS = 15.0
_FOLLOW_SECONDS = 24 * 3600.0
_PAUSE_SECONDS = 2.0
_BATCH_SECONDS = 0.05
_MOST_WAITING = 5_000
_SERVICE = "com.docker.compose.service"


@dataclass(frozen=True)
class AppLine:
    """One line. `number` is its time in microseconds since 1970, or the next free one after it."""

    number: int
    time: str
    text: str


def log_argv(container_id: str, *, after: int, tail: int | None = None, follow: bool = False) -> list[str]:
    """`docker logs` with times; `after` is the number that was read last."""
    argv = ["docker", "logs", "--timestamps"]
    if follow:
        argv.append("--follow")
    if tail is not None:
        argv += ["--tail", str(tail)]
    if after:
        argv += ["--since", f"{after // 1_000_000}.{after % 1_000_000:06d}"]
    return [*argv, container_id]


async def follow_app(app: str, settings: Settings, *, after: int = 0) -> AsyncGenerator[list[AppLine], None]:
    """The lines after a number (the last ones for 0), then each that is written, through restarts and redeployments.

    Ends never by itself; while nothing runs an empty list comes now and then. Raises CommandFailed where Docker does not answer.
    """
    numbers = Numbers(after)
    while True:
        states = await list_containers(settings, app=app)
        yield numbers.of(await _past(states, numbers.last), is_replay=True)
        running = [state for state in states if state.running]
        async with aclosing(_live(running, numbers, len(states) > 1)) as live:
            async for lines in live:
                yield lines
        await asyncio.sleep(_PAUSE_SECONDS)


class Numbers:
    """Gives lines their numbers: upwards, and the same ones when the same lines are read again."""

    def __init__(self, last: int) -> None:
        self.last = last

    def of(self, raw: Sequence[str], *, is_replay: bool) -> list[AppLine]:
        """Lines as Docker gives them, with their times. Those of a replay that were numbered before are left out."""
        seen = self.last
        found: list[AppLine] = []
        for line in raw:
            time, _, text = line.partition(" ")
            moment = microseconds(time)
            if moment is None or (is_replay and moment <= seen):
                continue
            self.last = max(moment, self.last + 1)
            found.append(AppLine(self.last, time, text))
        return found


def microseconds(time: str) -> int | None:
    """Docker's time of a line as microseconds since 1970; None for what is no time."""
    whole, _, fraction = time.removesuffix("Z").partition(".")
    try:
        seconds = datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp()
        return int(seconds) * 1_000_000 + int(fraction[:6].ljust(6, "0"))
    except ValueError:
        return None


async def _past(states: Sequence[ContainerState], after: int) -> list[str]:
    lines: list[str] = []
    for state in states:
        prefix = _prefix(state, len(states) > 1)
        argv = log_argv(state.id, after=after, tail=None if after else max(1, TAIL_LINES // len(states)))
        found: deque[str] = deque(maxlen=_MOST_WAITING)
        await _read(argv, found.append, _READ_SECONDS)
        lines += [_with_prefix(line, prefix) for line in found]
    return sorted(lines, key=lambda line: line.partition(" ")[0]) if len(states) > 1 else lines


async def _live(
    states: Sequence[ContainerState], numbers: Numbers, is_stack: bool
) -> AsyncGenerator[list[AppLine], None]:
    """What is written from now on, until the last of these containers has ended."""
    waiting: deque[str] = deque(maxlen=_MOST_WAITING)
    seen = numbers.last
    tasks = [asyncio.create_task(_listen(state, waiting, seen, is_stack)) for state in states]
    try:
        while tasks and not all(task.done() for task in tasks):
            await asyncio.wait(tasks, timeout=_BATCH_SECONDS)
            if waiting:
                lines = [waiting.popleft() for _ in range(len(waiting))]
                yield numbers.of([line for line in lines if _is_after(line, seen)], is_replay=False)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(state: ContainerState, waiting: deque[str], after: int, is_stack: bool) -> None:
    prefix = _prefix(state, is_stack)

    def take(line: str) -> None:
        waiting.append(_with_prefix(line, prefix))

    await _read(log_argv(state.id, after=after, follow=True), take, _FOLLOW_SECONDS)


async def _read(argv: list[str], on_line: Callable[[str], None], seconds: float) -> None:
    try:
        await shell.stream(argv, on_line, timeout_seconds=seconds, waiting_for="a container's log")
    except CommandTimedOut:
        return
    except CommandFailed as error:
        if not is_missing(error):
            raise


def _prefix(state: ContainerState, is_stack: bool) -> str:
    return f"{state.labels.get(_SERVICE, state.name)} | " if is_stack else ""


def _with_prefix(line: str, prefix: str) -> str:
    time, _, text = line.partition(" ")
    return f"{time} {prefix}{text}"


def _is_after(line: str, seen: int) -> bool:
    moment = microseconds(line.partition(" ")[0])
    return moment is not None and moment > seen
