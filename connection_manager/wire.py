"""One socket's frames: JSON text out, bounded in time, and JSON text in, bounded in size."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

UNAUTHORISED, FORBIDDEN, TOO_SLOW, TOO_MANY = 4401, 4403, 4408, 4429
NOT_TEXT, TOO_BIG, SERVER_ERROR, RESTARTING = 1003, 1009, 1011, 1012


@dataclass(frozen=True)
class Limits:
    """Times in seconds and sizes of the sockets."""

    first_frame_seconds: float = 10
    heartbeat_seconds: float = 20
    silent_seconds: float = 60
    send_seconds: float = 5
    recheck_seconds: float = 30
    sockets_per_user: int = 10
    sockets_without_user: int = 200
    frame_bytes: int = 64 * 1024
    follows: int = 50
    app_logs: int = 3


class Ended(Exception):
    """The socket is to be closed with this code."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


class Wire:
    """Sends and receives frames; raises Ended when the client breaks a limit."""

    def __init__(self, websocket: WebSocket, limits: Limits) -> None:
        self._websocket = websocket
        self._limits = limits
        self._sending = asyncio.Lock()
        self.last_seen = time.monotonic()

    async def send(self, frame: dict[str, Any]) -> None:
        """Send one frame."""
        await self.send_text(json.dumps(frame, default=str))

    async def send_text(self, text: str) -> None:
        """Send one frame that is JSON text already."""
        try:
            async with asyncio.timeout(self._limits.send_seconds), self._sending:
                await self._websocket.send_text(text)
        except TimeoutError:
            raise Ended(TOO_SLOW, "the client does not read what it is sent") from None

    async def receive(self) -> dict[str, Any]:
        """The next frame; an empty one for what is not a JSON object."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        self.last_seen = time.monotonic()
        text = message.get("text")
        if text is None:
            raise Ended(NOT_TEXT, "frames are JSON text")
        if len(text) > self._limits.frame_bytes or len(text.encode("utf-8", "replace")) > self._limits.frame_bytes:
            raise Ended(TOO_BIG, "the frame is too big")
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        return frame if isinstance(frame, dict) else {}

    async def close(self, ended: Ended) -> None:
        """Close the socket, if the client still hears it."""
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                await self._websocket.close(ended.code, ended.reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError, OSError):
            return
