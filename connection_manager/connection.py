"""One authenticated socket: what its client asks for, what it is sent, and when it has to go."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocketDisconnect

from connection_manager.release_logs import ReleaseLogs
from connection_manager.wire import SERVER_ERROR, TOO_SLOW, UNAUTHORISED, Ended, Limits, Wire
from robust_error_handler import ButlerError, Code

log = logging.getLogger(__name__)
_LINES_IN_A_FRAME = 200
_CHARACTERS_IN_A_FRAME = 128 * 1024


@dataclass(frozen=True)
class Viewer:
    """Whom a token belongs to, and until when (seconds since 1970)."""

    user_id: int
    username: str
    expires_at: float


@dataclass(frozen=True)
class Directory:
    """What is asked of the layers above. Both functions may block: they are called in a thread.

    `authenticate(token)` raises a ButlerError for a token that is not, or no longer, good.
    `find(user_id, name, release_number)` gives the id of a release (of the newest for None), or None where that
    user has no such deployment or release. `app_lines(user_id, name, after)` gives what an app writes, in batches of
    lines with `seq`, `time` and `text`, until the app is gone.
    """

    authenticate: Callable[[str], Viewer]
    find: Callable[[int, str, int | None], int | None]
    app_lines: Callable[[int, str, int], AsyncGenerator[Sequence[dict[str, Any]], None]] | None = None


@dataclass(eq=False)
class Connection:
    """Sends the logs it follows and the news of its user; nothing is buffered beyond one batch of lines."""

    wire: Wire
    limits: Limits
    directory: Directory
    logs: ReleaseLogs
    viewer: Viewer
    token: str
    takes_batches: bool = False
    _follows: dict[int, tuple[str, asyncio.Task[None]]] = field(default_factory=dict)
    _app_logs: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _news: dict[str, dict[str, Any]] = field(default_factory=dict)
    _has_news: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()

    async def run(self) -> Ended:
        """Serve the client until one side has had enough."""
        for work in (self._greet(), self._read(), self._beat(), self._recheck(), self._tell_news()):
            self._start(work)
        try:
            return await self._ended
        finally:
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=self.limits.send_seconds)

    def end(self, ended: Ended) -> None:
        """Close the socket soon."""
        if not self._ended.done():
            self._ended.set_result(ended)

    def follow(self, deployment: str, release_id: int, after: int = 0) -> None:
        """Send the log of a release from a number on; one that is followed already starts over."""
        if self._ended.done():
            return
        if previous := self._follows.pop(release_id, None):
            previous[1].cancel()
        if len(self._follows) >= self.limits.follows:
            oldest = next(iter(self._follows))
            self._follows.pop(oldest)[1].cancel()
        self._follows[release_id] = (deployment, self._start(self._send_log(deployment, release_id, after)))

    def announce(self, payload: dict[str, Any]) -> None:
        """Send news of a deployment; only the newest waits, so that a slow client gets the present state."""
        self._news[str(payload.get("deployment", ""))] = payload
        self._has_news.set()

    async def _greet(self) -> None:
        await self.wire.send(ready(self.viewer))

    async def _read(self) -> None:
        while True:
            await self._answer(await self.wire.receive())

    async def _answer(self, frame: dict[str, Any]) -> None:
        match frame.get("type"):
            case "pong":
                return
            case "ping":
                await self.wire.send({"type": "pong"})
            case "auth" if isinstance(frame.get("token"), str):
                await self._renew(frame["token"])
                self.takes_batches = frame.get("batch") is True
                await self.wire.send(ready(self.viewer))
            case "watch":
                await self._watch(frame)
            case "unwatch":
                self._unwatch(frame.get("deployment"), frame.get("source"))
            case _:
                await self._refuse(frame, Code.INVALID_REQUEST, "This frame is not understood.")

    async def _watch(self, frame: dict[str, Any]) -> None:
        deployment, number, after = frame.get("deployment"), frame.get("release"), frame.get("after", 0)
        if not isinstance(deployment, str) or not _is_number(after) or not (number is None or _is_number(number)):
            return await self._refuse(frame, Code.INVALID_REQUEST, "A watch frame names a deployment.")
        release_id = await asyncio.to_thread(self.directory.find, self.viewer.user_id, deployment, number)
        if release_id is None:
            return await self._refuse(frame, Code.NOT_FOUND, "There is no such deployment or release.")
        if frame.get("source") == "app":
            return self._follow_app(deployment, after)
        await self.wire.send({"type": "watching", "deployment": deployment, "release": release_id, "after": after})
        self.follow(deployment, release_id, after)

    def _follow_app(self, deployment: str, after: int) -> None:
        if previous := self._app_logs.pop(deployment, None):
            previous.cancel()
        if len(self._app_logs) >= self.limits.app_logs:
            self._app_logs.pop(next(iter(self._app_logs))).cancel()
        self._app_logs[deployment] = self._start(self._send_app_log(deployment, after))

    def _unwatch(self, deployment: object, source: object) -> None:
        if source == "app":
            if isinstance(deployment, str) and (followed := self._app_logs.pop(deployment, None)):
                followed.cancel()
            return
        for release_id, (name, task) in tuple(self._follows.items()):
            if name == deployment:
                task.cancel()
                del self._follows[release_id]

    async def _refuse(self, frame: dict[str, Any], code: Code, message: str) -> None:
        answer = {"type": "error", "code": str(code), "message": message}
        deployment = frame.get("deployment")
        await self.wire.send({**answer, "deployment": deployment[:200]} if isinstance(deployment, str) else answer)

    async def _send_log(self, deployment: str, release_id: int, after: int) -> None:
        # A stored line is a JSON object already: our fields go in front, and nothing is parsed.
        where = json.dumps({"deployment": deployment, "release": release_id})[1:-1]
        async for lines in self.logs.watch_lines(release_id, after):
            texts = [text for _, text in lines]
            if self.takes_batches:
                for part in _parts(texts):
                    await self.wire.send_text(f'{{"type": "events", {where}, "lines": [{",".join(part)}]}}')
                continue
            for text in texts:
                await self.wire.send_text(f'{{"type": "event", {where},{text[1:]}')
        await self.wire.send({"type": "end", "deployment": deployment, "release": release_id})
        if (followed := self._follows.get(release_id)) and followed[1] is asyncio.current_task():
            del self._follows[release_id]

    async def _send_app_log(self, deployment: str, after: int) -> None:
        if self.directory.app_lines is None:
            return
        batches = self.directory.app_lines(self.viewer.user_id, deployment, after)
        async with aclosing(batches):  # so that what follows Docker ends with it
            async for lines in batches:
                for start in range(0, len(lines), _LINES_IN_A_FRAME):
                    part = list(lines[start : start + _LINES_IN_A_FRAME])
                    await self.wire.send({"type": "app", "deployment": deployment, "lines": part})

    async def _tell_news(self) -> None:
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            news, self._news = self._news, {}
            for payload in news.values():
                await self.wire.send({"type": "deployment", **payload})

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.limits.heartbeat_seconds)
            if time.monotonic() - self.wire.last_seen > self.limits.silent_seconds:
                raise Ended(TOO_SLOW, "the client fell silent")
            await self.wire.send({"type": "ping"})

    async def _recheck(self) -> None:
        """Notice a token that expired or was revoked."""
        while True:
            until_expiry = max(0.0, self.viewer.expires_at - time.time()) + 0.05
            await asyncio.sleep(min(self.limits.recheck_seconds, until_expiry))
            await self._renew(self.token)

    async def _renew(self, token: str) -> None:
        viewer = await authenticate(self.directory, token)
        if viewer.user_id != self.viewer.user_id:
            raise Ended(UNAUTHORISED, "the token is somebody else's")
        self.viewer, self.token = viewer, token

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """The outer edge of everything that a socket does: whatever goes wrong ends this socket only."""
        try:
            await work
        except Ended as ended:
            self.end(ended)
        except (WebSocketDisconnect, RuntimeError, OSError):  # RuntimeError: a send after the close
            self.end(Ended(1000, "the client is gone"))
        except Exception:
            log.exception("a socket failed")
            self.end(Ended(SERVER_ERROR, "internal error"))


async def authenticate(directory: Directory, token: str) -> Viewer:
    """Whom a token belongs to. Raises Ended for one that is not good (any more)."""
    try:
        viewer = await asyncio.to_thread(directory.authenticate, token)
    except ButlerError:
        raise Ended(UNAUTHORISED, "the token is not valid") from None
    if viewer.expires_at <= time.time():
        raise Ended(UNAUTHORISED, "the token has expired")
    return viewer


def _parts(texts: Sequence[str]) -> Iterator[list[str]]:
    """Lines in groups that make frames of a bounded size; one line alone may be longer."""
    part: list[str] = []
    size = 0
    for text in texts:
        if part and (len(part) >= _LINES_IN_A_FRAME or size + len(text) > _CHARACTERS_IN_A_FRAME):
            yield part
            part, size = [], 0
        part.append(text)
        size += len(text)
    if part:
        yield part


def ready(viewer: Viewer) -> dict[str, Any]:
    """The answer to an accepted token."""
    return {"type": "ready", "user": viewer.username, "expires_at": viewer.expires_at}


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
