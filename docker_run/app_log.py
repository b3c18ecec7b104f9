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
_MOST_WAITING = 10_000
_SERVICE = "com.docker.compose.service"


@dataclass(frozen=True)
class AppLine:
    """One line. `number` is its time in microseconds since 1970, or the next free one after it; `service` is the
    container that wrote it, and empty where the app has only one."""

    number: int
    time: str
    text: str
    service: str = ""


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


async def follow_app(
    app: str, settings: Settings, *, after: int = 0, tail: int = TAIL_LINES, until_ended: bool = False
) -> AsyncGenerator[list[AppLine], None]:
    """The lines after a number (the last `tail` of all containers for 0), then each that is written, through restarts
    and redeployments.

    Ends by itself only with `until_ended`, when no container runs or is about to; without it an empty list comes now
    and then while nothing runs. Raises CommandFailed where Docker does not answer.
    """
    numbers = Numbers(after)
    while True:
        states = await list_containers(settings, app=app)
        yield numbers.of(await _past(states, numbers.last, tail), is_replay=True)
        running = [state for state in states if state.running]
        if until_ended and not running and not any(state.status == "restarting" for state in states):
            return
        async with aclosing(_live(running, numbers, is_stack=len(states) > 1, from_now=tail == 0)) as live:
            async for lines in live:
                yield lines
        await asyncio.sleep(_PAUSE_SECONDS)


@dataclass(frozen=True)
class _Raw:
    """A line as Docker gives it, with its time, and the service whose container wrote it."""

    line: str
    service: str

    @property
    def time(self) -> str:
        return self.line.partition(" ")[0]


class Numbers:
    """Gives lines their numbers: upwards, and the same ones when the same lines are read again."""

    def __init__(self, last: int) -> None:
        self.last = last

    def of(self, raw: Sequence[_Raw], *, is_replay: bool) -> list[AppLine]:
        """Lines as Docker gives them, with their times. Those of a replay that were numbered before are left out."""
        seen = self.last
        found: list[AppLine] = []
        for one in raw:
            time, _, text = one.line.partition(" ")
            moment = microseconds(time)
            if moment is None or (is_replay and moment <= seen):
                continue
            self.last = max(moment, self.last + 1)
            found.append(AppLine(self.last, time, text, one.service))
        return found

    def missed(self, count: int) -> AppLine:
        """The remark that lines are missing at this place."""
        self.last += 1
        return AppLine(self.last, "", f"({count} lines came too fast to be shown)")


def microseconds(time: str) -> int | None:
    """Docker's time of a line as microseconds since 1970; None for what is no time."""
    whole, _, fraction = time.removesuffix("Z").partition(".")
    try:
        seconds = datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp()
        return int(seconds) * 1_000_000 + int(fraction[:6].ljust(6, "0"))
    except ValueError:
        return None


async def _past(states: Sequence[ContainerState], after: int, tail: int) -> list[_Raw]:
    lines: list[_Raw] = []
    for state in states:
        share = None if after else -(-tail // len(states))
        found: deque[str] = deque(maxlen=_MOST_WAITING)
        await _read(log_argv(state.id, after=after, tail=share), found.append, _READ_SECONDS)
        service = _service(state, len(states) > 1)
        lines += [_Raw(line, service) for line in found]
    return sorted(lines, key=lambda raw: raw.time) if len(states) > 1 else lines


async def _live(
    states: Sequence[ContainerState], numbers: Numbers, *, is_stack: bool, from_now: bool
) -> AsyncGenerator[list[AppLine], None]:
    """What is written from now on, until the last of these containers has ended."""
    waiting, seen = _Waiting(), numbers.last
    tail = 0 if from_now and not seen else None
    tasks = [asyncio.create_task(_listen(state, waiting, seen, tail, is_stack)) for state in states]
    try:
        while tasks and not all(task.done() for task in tasks):
            await asyncio.wait(tasks, timeout=_BATCH_SECONDS)
            lines, missed = waiting.taken()
            if lines:
                fresh = numbers.of([raw for raw in lines if _is_after(raw.time, seen)], is_replay=False)
                yield [numbers.missed(missed), *fresh] if missed else fresh
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Waiting:
    """Lines that nobody has taken yet. A reader who is too slow misses the oldest, and can be told how many."""

    def __init__(self) -> None:
        self._lines: deque[_Raw] = deque()
        self._missed = 0

    def put(self, raw: _Raw) -> None:
        """Keep a line."""
        self._lines.append(raw)
        if len(self._lines) > _MOST_WAITING:
            self._lines.popleft()
            self._missed += 1

    def taken(self) -> tuple[list[_Raw], int]:
        """All lines that wait, and how many were missed before them."""
        lines, missed = list(self._lines), self._missed
        self._lines.clear()
        self._missed = 0
        return lines, missed


async def _listen(state: ContainerState, waiting: _Waiting, after: int, tail: int | None, is_stack: bool) -> None:
    service = _service(state, is_stack)
    argv = log_argv(state.id, after=after, tail=tail, follow=True)
    await _read(argv, lambda line: waiting.put(_Raw(line, service)), _FOLLOW_SECONDS)


async def _read(argv: list[str], on_line: Callable[[str], None], seconds: float) -> None:
    try:
        await shell.stream(argv, on_line, timeout_seconds=seconds, waiting_for="a container's log")
    except CommandTimedOut:
        return
    except CommandFailed as error:
        if not is_missing(error):
            raise


def _service(state: ContainerState, is_stack: bool) -> str:
    return state.labels.get(_SERVICE, state.name) if is_stack else ""


def _is_after(time: str, seen: int) -> bool:
    moment = microseconds(time)
    return moment is not None and moment > seen
