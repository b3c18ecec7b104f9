"""Whether a started app really answers: asked over its published port, while its container is watched."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from domain import Healthcheck, RunningContainer, Stage
from failure_advice import explain
from robust_error_handler import Code, DeploymentFailed
from settings import Settings

from .containers import keep_running
from .state import ContainerState, inspect, log_lines

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.5
_ATTEMPT_SECONDS = 10.0
_SILENCE_SECONDS = 1.0
_HTTP_FIRST_SECONDS = 2.0
_WATCH_SECONDS = (0.25, 1.0)
_READ_LINES = 200
_REQUEST = (
    b"GET %b HTTP/1.1\r\nHost: localhost\r\nUser-Agent: devops-butler\r\nAccept: text/html,*/*;q=0.8\r\n"
    b"Connection: close\r\n\r\n"
)


class Reason(StrEnum):
    """Why a verdict is what it is."""

    HTTP = "it answered over HTTP"
    TCP = "it answered, but not in HTTP"
    STAYED_UP = "it stayed up"
    UNHEALTHY = "its health check does not pass"
    SERVER_ERROR = "it answers with a server error only"
    SILENT = "it takes connections and never answers"
    CLOSED = "connections are closed without an answer"
    REFUSED = "connections are refused"
    EXITED = "its container ended"
    RESTARTED = "its container was restarted"
    GONE = "its container is not there any more"


@dataclass(frozen=True)
class Verdict:
    """What came of waiting. `state` is how the container stood when it ended the wait."""

    answered: bool
    status_code: int | None
    seconds: float
    reason: Reason
    state: ContainerState | None = None


async def probe(
    address: str, port: int, *, timeout_seconds: float, expects_http: bool = True, check: Healthcheck | None = None
) -> tuple[Reason, int | None]:
    """Ask once: what the port answers, and the HTTP status if it speaks that.

    Without a health check any answer below 500 counts; the path of a health check must answer 2xx or 3xx.
    Docker's proxy takes connections for a container in which nothing listens and closes them; that is no answer.
    A service that speaks first or stays on the line silently is one where no HTTP is expected.
    """
    patience = timeout_seconds if expects_http else min(timeout_seconds, _SILENCE_SECONDS)
    writer = None
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(address, port)
            if expects_http:
                writer.write(_REQUEST % (check.path if check else "/").encode("ascii"))
                await writer.drain()
            return _judge(await _first_line(reader), check)
    except TimeoutError:
        return (Reason.TCP, None) if writer is not None and not expects_http else (Reason.SILENT, None)
    except ConnectionRefusedError:
        return Reason.REFUSED, None
    except OSError:
        return (Reason.CLOSED if writer is not None else Reason.REFUSED), None
    finally:
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1.0)


async def wait_until_answers(
    container: RunningContainer,
    settings: Settings,
    *,
    timeout_seconds: float | None = None,
    expects_http: bool = True,
    check: Healthcheck | None = None,
) -> Verdict:
    """Ask an app until it answers (as `probe` judges it), its container ends, or the time is over.

    Redirects are not followed. May be called again to go on waiting: the clock and the pauses start anew.
    """
    began = time.monotonic()
    seconds = settings.start_timeout_seconds if timeout_seconds is None else timeout_seconds
    end = asyncio.create_task(_until_it_ends(container.id, settings))
    answer = asyncio.create_task(_until_it_answers(container, settings, seconds, expects_http, check))
    try:
        await asyncio.wait({end, answer}, return_when=asyncio.FIRST_COMPLETED)
        if end.done():
            reason, state = end.result()
            return Verdict(False, None, time.monotonic() - began, reason, state)
        reason, status = answer.result()
        return Verdict(reason in (Reason.HTTP, Reason.TCP), status, time.monotonic() - began, reason)
    finally:
        await _cancel(end, answer)


async def settle(container: RunningContainer, settings: Settings) -> Verdict:
    """Wait until the container has been up for the settling time, then have the engine keep it running."""
    began = time.monotonic()
    while True:
        reason, state = await _how_it_stands(container.id, settings)
        if reason is not None:
            return Verdict(False, None, time.monotonic() - began, reason, state)
        missing = settings.settle_seconds - max(_uptime(state), time.monotonic() - began)
        if missing <= 0:
            await keep_running(container.id, settings)
            return Verdict(True, None, time.monotonic() - began, Reason.STAYED_UP, state)
        await asyncio.sleep(min(missing, _WATCH_SECONDS[0]))


async def failure(
    verdict: Verdict,
    container: RunningContainer,
    settings: Settings,
    *,
    listening: Sequence[str] | None = None,
    framework: str | None = None,
) -> DeploymentFailed:
    """The error that a verdict other than an answer stands for, with the lines of the container's log that show it.

    `listening` holds `address:port` of each socket in the container, where they could be read.
    """
    if verdict.reason is Reason.GONE:
        hint = "Somebody or something removed it; deploy again."
        return DeploymentFailed(Code.CRASHED_AT_START, "The app's container was removed while it started.", hint)
    lines = await log_lines(container.id, settings, tail=_READ_LINES)
    context = {
        "port": container.container_port,
        "framework": framework or "",
        "timeout_seconds": round(verdict.seconds),
        "memory_limit": settings.memory_limit,
        **({} if listening is None else {"listening": listening}),
    }
    state = verdict.state
    if verdict.reason is Reason.UNHEALTHY:
        return DeploymentFailed(
            Code.NOT_ANSWERING,
            f"The health check of butler.yml does not pass: its path answers {verdict.status_code}.",
            "Let the path answer 200 once the app is up, or correct `healthcheck.path`; the app's last lines are shown.",
            lines[-20:],
        )
    if state is not None:
        return explain(Stage.VERIFY, lines, exit_code=state.exit_code, oom_killed=state.oom_killed, context=context)
    explained = explain(Stage.VERIFY, lines, context=context)
    if verdict.reason is Reason.SERVER_ERROR and explained.code is Code.NOT_ANSWERING:
        return _answers_with_errors(verdict, explained)
    return explained


async def _until_it_answers(
    container: RunningContainer, settings: Settings, seconds: float, expects_http: bool, check: Healthcheck | None
) -> tuple[Reason, int | None]:
    if container.host_port is None:
        await asyncio.sleep(seconds)
        return Reason.REFUSED, None
    address = probe_address(settings.publish_address)
    began = time.monotonic()
    deadline = began + seconds
    told = check.interval_seconds if check else None
    pause = FIRST_PAUSE_SECONDS if told is None else max(told, FIRST_PAUSE_SECONDS)
    while True:
        left = min(max(deadline - time.monotonic(), 0.1), _ATTEMPT_SECONDS)
        reason, status = await probe(
            address, container.host_port, timeout_seconds=left, expects_http=expects_http, check=check
        )
        if reason in (Reason.HTTP, Reason.TCP) or time.monotonic() + pause >= deadline:
            return reason, status
        slow = time.monotonic() - began > _HTTP_FIRST_SECONDS
        if slow and reason is Reason.CLOSED and await _dislikes_only_http(address, container.host_port):
            return Reason.TCP, None
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS) if told is None else pause


async def _dislikes_only_http(address: str, port: int) -> bool:
    """Whether a plain TCP service is there: it keeps a silent connection and closes one that asks in HTTP."""
    silent, _ = await probe(address, port, timeout_seconds=_SILENCE_SECONDS, expects_http=False)
    asking, _ = await probe(address, port, timeout_seconds=_SILENCE_SECONDS)
    return silent is Reason.TCP and asking is Reason.CLOSED


def probe_address(publish_address: str) -> str:
    """Where this machine itself reaches what is published on an address."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(publish_address, publish_address)  # noqa: S104


async def _until_it_ends(container_id: str, settings: Settings) -> tuple[Reason, ContainerState | None]:
    pause, longest = _WATCH_SECONDS
    while True:
        await asyncio.sleep(pause)
        reason, state = await _how_it_stands(container_id, settings)
        if reason is not None:
            return reason, state
        pause = min(pause * 1.5, longest)


async def _how_it_stands(container_id: str, settings: Settings) -> tuple[Reason | None, ContainerState | None]:
    """The reason to stop waiting, if there is one, and the container's state."""
    state = await inspect(container_id, settings)
    if state is None:
        return Reason.GONE, None
    if state.restart_count:
        return Reason.RESTARTED, state
    return (None if state.running else Reason.EXITED), state


def _uptime(state: ContainerState | None) -> float:
    """By the engine's clock, which may differ from ours: hence never negative."""
    if state is None or state.started_at is None:
        return 0.0
    return max((datetime.now(UTC) - state.started_at).total_seconds(), 0.0)


async def _first_line(reader: asyncio.StreamReader) -> bytes:
    start = b""
    while b"\n" not in start and len(start) < 1024:
        chunk = await reader.read(1024)
        if not chunk:
            break
        start += chunk
    return start.partition(b"\n")[0]


def _judge(first_line: bytes, check: Healthcheck | None = None) -> tuple[Reason, int | None]:
    if not first_line:
        return Reason.CLOSED, None
    words = first_line.split()
    if not words or not words[0].startswith(b"HTTP/") or len(words) < 2 or not words[1].isdigit():
        return Reason.TCP, None
    status = int(words[1])
    if check is not None and not 200 <= status < 400:
        return Reason.UNHEALTHY, status
    return (Reason.HTTP if status < 500 else Reason.SERVER_ERROR), status


def _answers_with_errors(verdict: Verdict, explained: DeploymentFailed) -> DeploymentFailed:
    return DeploymentFailed(
        Code.NOT_ANSWERING,
        f"The app answers every request with the server error {verdict.status_code}.",
        "Its last lines are shown; often a variable is missing, or a database that it needs cannot be reached.",
        explained.lines,
    )


async def _cancel(
    *tasks: asyncio.Task[tuple[Reason, ContainerState | None]] | asyncio.Task[tuple[Reason, int | None]],
) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
