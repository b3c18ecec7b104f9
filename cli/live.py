"""The log of a release while it is written: over the socket, by asking again where there is none, without a gap."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage
from websockets.sync.client import ClientConnection, connect

from cli.api import Api, deployment_path
from cli.failures import ExitCode, Failure, from_answer
from robust_error_handler import Code

LogEvent = dict[str, Any]

_OPEN_SECONDS = 10.0
_WAIT_SECONDS = 0.5
# The server says something every 20 s.
_SILENT_SECONDS = 65.0
_GIVE_UP_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 5.0
_POLL_SECONDS = 1.0
_PAGE = 1000
_UNAUTHORISED, _TOO_MANY = 4401, 4429


class _NoSocket(Exception):
    """Something between here and the server lets no socket through."""


class _Lost(Exception):
    """The connection ended before the log did."""


@dataclass
class Follower:
    """Follows one release's log from a number on; `last` is the number of the last line that was handed out."""

    api: Api
    name: str
    number: int | None
    last: int = 0
    deadline: float | None = None

    def events(self) -> Iterator[LogEvent]:
        """Each event, until the release has ended. Raises a Failure: time is up, no server, no such deployment."""
        lost_at: float | None = None
        pause = 0.2
        while True:
            before = self.last
            try:
                yield from self._through_socket()
                return
            except _NoSocket:
                yield from self._by_asking()
                return
            except _Lost as lost:
                if self.last > before or lost_at is None:
                    lost_at, pause = time.monotonic(), 0.2
                if time.monotonic() - lost_at > _GIVE_UP_SECONDS:
                    raise self._gave_up(lost) from lost
            self._check_time()
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _through_socket(self) -> Iterator[LogEvent]:
        token = self.api.token()
        address = f"{self.api.server.url.replace('http', 'ws', 1)}/ws/cli-{uuid.uuid4().hex}"
        try:
            with connect(
                address,
                proxy=None if self.api.server.is_local else True,
                compression=None,
                open_timeout=_OPEN_SECONDS,
                close_timeout=1,
            ) as connection:
                connection.send(json.dumps({"type": "auth", "token": token, "batch": True}))
                watch = {"type": "watch", "deployment": self.name, "after": self.last}
                connection.send(json.dumps({**watch, **({"release": self.number} if self.number else {})}))
                yield from self._frames(connection)
        except ConnectionClosed as closed:
            self._judge(closed, token)
        except (InvalidHandshake, InvalidMessage) as error:
            raise _NoSocket from error
        except OSError as error:  # TimeoutError included
            raise _Lost(str(error)) from error

    def _frames(self, connection: ClientConnection) -> Iterator[LogEvent]:
        release_id: int | None = None
        heard = time.monotonic()
        while True:
            self._check_time()
            try:
                frame = json.loads(connection.recv(timeout=_WAIT_SECONDS))
            except TimeoutError:
                if time.monotonic() - heard > _SILENT_SECONDS:
                    raise _Lost("the server fell silent") from None
                continue
            heard = time.monotonic()
            is_ours = release_id is not None and frame.get("release") == release_id
            match frame.get("type"):
                case "ping":
                    connection.send('{"type": "pong"}')
                case "watching":
                    release_id = frame["release"]
                case "events" | "event" if is_ours:
                    yield from self._fresh(frame)
                case "end" if is_ours:
                    return
                case "error" if frame.get("deployment") == self.name:
                    raise from_answer(404, {"error": frame})

    def _fresh(self, frame: dict[str, Any]) -> Iterator[LogEvent]:
        """The lines of a frame that were not handed out yet, each as an event of its own; older servers send only one."""
        where = {"type": "event", "deployment": frame["deployment"], "release": frame["release"]}
        for line in frame.get("lines", (frame,)):
            if line["seq"] > self.last:
                self.last = line["seq"]
                yield {**where, **line}

    def _judge(self, closed: ConnectionClosed, token: str) -> None:
        """What a closed socket means: a token that ended is renewed, and the socket opened again."""
        code = closed.rcvd.code if closed.rcvd else 1006
        if code == _TOO_MANY:
            raise _NoSocket from closed
        if code == _UNAUTHORISED:
            self.api.renewed_token(token)
        raise _Lost(f"the connection ended with code {code}") from closed

    def _by_asking(self) -> Iterator[LogEvent]:
        params: dict[str, Any] = {"limit": _PAGE, **({"release": self.number} if self.number else {})}
        while True:
            self._check_time()
            piece = self.api.get(deployment_path(self.name, "/logs"), params={**params, "after": self.last}).json()
            for line in piece["lines"]:
                self.last = line["seq"]
                yield line
            if piece["closed"]:
                return
            if not piece["lines"]:
                time.sleep(_POLL_SECONDS)

    def _check_time(self) -> None:
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise Failure("The time is up.", "", Code.TIMEOUT, exit_code=ExitCode.TIMEOUT)

    def _gave_up(self, lost: _Lost) -> Failure:
        return Failure(
            f"The connection to {self.api.server.url} was lost ({lost}) and did not come back.",
            "The deployment goes on without us if the server still runs.",
            Code.SERVER_UNREACHABLE,
            503,
            exit_code=ExitCode.UNREACHABLE,
        )
