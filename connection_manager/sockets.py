"""All open sockets by user: who may connect, who hears what; knows neither tokens nor the database."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from starlette.websockets import WebSocket, WebSocketDisconnect

from connection_manager.connection import Connection, Directory, Viewer, authenticate
from connection_manager.release_logs import ReleaseLogs
from connection_manager.wire import FORBIDDEN, RESTARTING, TOO_MANY, UNAUTHORISED, Ended, Limits, Wire
from robust_logging import attach, security_event

log = logging.getLogger(__name__)


class ConnectionManager:
    """Serves `/ws/{client_id}`. Everything here runs in the server's event loop."""

    def __init__(
        self,
        logs: ReleaseLogs,
        directory: Directory,
        *,
        allowed_origins: Sequence[str] = (),
        limits: Limits | None = None,
    ) -> None:
        self.logs = logs
        self._directory = directory
        self._allowed_origins = frozenset(origin.rstrip("/").lower() for origin in allowed_origins)
        self._limits = limits or Limits()
        self._connections: defaultdict[int, set[Connection]] = defaultdict(set)
        self._without_user = 0

    @property
    def open_sockets(self) -> int:
        """How many sockets are open, for the metrics."""
        return self._without_user + sum(len(connections) for connections in self._connections.values())

    async def serve(self, websocket: WebSocket, client_id: str) -> None:
        """Serve one socket until it closes. `client_id` is a label that the client chose; it grants nothing."""
        origin = websocket.headers.get("origin")
        if not is_same_origin(origin, websocket.headers.get("host", "")) and not self._is_allowed(origin):
            security_event("websocket.foreign-origin", origin=origin, client_id=client_id[:100])
            return await websocket.close(FORBIDDEN)
        await websocket.accept()
        wire = Wire(websocket, self._limits)
        try:
            ended = await self._serve_accepted(wire, _bearer(websocket.headers))
        except Ended as error:
            ended = error
        except (WebSocketDisconnect, RuntimeError, OSError):
            return
        await wire.close(ended)

    def begin(self, user_id: int, deployment: str, release_id: int) -> None:
        """A release begins: open its log, and let every socket of its user follow it."""
        self.logs.open(release_id)
        for connection in tuple(self._connections.get(user_id, ())):
            connection.follow(deployment, release_id)

    def announce(self, user_id: int, payload: Mapping[str, Any]) -> None:
        """Tell a user's sockets that a deployment changed: `payload` has `deployment`, `status`, `phase`, `url`."""
        for connection in tuple(self._connections.get(user_id, ())):
            connection.announce(dict(payload))

    def close_all(self) -> None:
        """The server stops: close every socket in a way that makes clients come back."""
        for connections in tuple(self._connections.values()):
            for connection in connections:
                connection.end(Ended(RESTARTING, "the server restarts"))

    async def _serve_accepted(self, wire: Wire, header_token: str) -> Ended:
        viewer, token, takes_batches = await self._admit(wire, header_token)
        attach(user=viewer.username)
        connection = Connection(wire, self._limits, self._directory, self.logs, viewer, token, takes_batches)
        with self._registered(connection, viewer):
            return await connection.run()

    async def _admit(self, wire: Wire, header_token: str) -> tuple[Viewer, str, bool]:
        if self._without_user >= self._limits.sockets_without_user:
            raise Ended(TOO_MANY, "too many sockets wait for their token")
        self._without_user += 1
        try:
            frame = {} if header_token else await self._first_frame(wire)
            token = header_token or frame["token"]
            return await authenticate(self._directory, token), token, frame.get("batch") is True
        except Ended as ended:
            security_event("websocket.refused", reason=ended.reason)
            raise
        finally:
            self._without_user -= 1

    async def _first_frame(self, wire: Wire) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._limits.first_frame_seconds):
                frame = await wire.receive()
        except TimeoutError:
            raise Ended(UNAUTHORISED, "no token came in time") from None
        if frame.get("type") != "auth" or not isinstance(frame.get("token"), str):
            raise Ended(UNAUTHORISED, "the first frame must be an auth frame")
        return frame

    @contextmanager
    def _registered(self, connection: Connection, viewer: Viewer) -> Iterator[None]:
        if len(self._connections[viewer.user_id]) >= self._limits.sockets_per_user:
            security_event("websocket.too-many", user=viewer.username)
            raise Ended(TOO_MANY, f"more than {self._limits.sockets_per_user} sockets")
        self._connections[viewer.user_id].add(connection)
        try:
            yield
        finally:
            self._connections[viewer.user_id].discard(connection)
            if not self._connections[viewer.user_id]:
                del self._connections[viewer.user_id]

    def _is_allowed(self, origin: str | None) -> bool:
        return origin is not None and origin.rstrip("/").lower() in self._allowed_origins


def is_same_origin(origin: str | None, host: str) -> bool:
    """Whether a handshake comes from our own pages, or from a program: host and port must be the same.

    The port counts, because the users' apps are served from other ports of the same host.
    """
    if origin is None:
        return True
    try:
        parts = urlsplit(origin.lower())
        port = {"http": 80, "https": 443}.get(parts.scheme)
        ours = urlsplit(f"{parts.scheme}://{host.lower()}")
        return port is not None and (parts.hostname, parts.port or port) == (ours.hostname, ours.port or port)
    except ValueError:
        return False


def _bearer(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
