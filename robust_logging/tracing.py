"""Gives every request a trace id that its log lines, answers and deployments carry; ASGI only."""

from __future__ import annotations

import logging
import re
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from robust_logging.context import bind
from robust_logging.records import FIELDS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("butler.http")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_QUIET_PATHS = ("/health", "/metrics", "/assets/")


def new_trace_id() -> str:
    """A trace id that fits the W3C trace context as well: 32 hex digits."""
    return uuid.uuid4().hex


class TraceMiddleware:
    """Takes the caller's `traceparent` or `X-Request-ID` where it is well-formed, makes an id where not, and
    answers with both headers. The id is also in `scope["state"]["trace_id"]`, for handlers outside this middleware.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        trace_id, request_id = _ids(scope.get("headers", ()))
        scope.setdefault("state", {})["trace_id"] = trace_id
        extra = _answer_headers(trace_id, request_id)
        status = 0

        async def send_with_ids(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.accept"):
                status = message.get("status", 101)
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        started = time.perf_counter()
        with bind(trace_id=trace_id):
            try:
                await self.app(scope, receive, send_with_ids)
            finally:
                _log_request(scope, status, time.perf_counter() - started)


def _ids(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str]:
    """The trace id, and the request id that is given back."""
    given = {name: value.decode("latin-1") for name, value in headers if name in (b"traceparent", b"x-request-id")}
    request_id = given.get(b"x-request-id", "")
    if not _REQUEST_ID.fullmatch(request_id):
        request_id = ""
    parent = _TRACE_PARENT.fullmatch(given.get(b"traceparent", ""))
    if parent and int(parent[1], 16) and int(parent[2], 16):
        return parent[1], request_id or parent[1]
    trace_id = request_id or new_trace_id()
    return trace_id, trace_id


def _answer_headers(trace_id: str, request_id: str) -> list[tuple[bytes, bytes]]:
    headers = [(b"x-request-id", request_id.encode("ascii"))]
    if re.fullmatch(r"[0-9a-f]{32}", trace_id):
        headers.append((b"traceparent", f"00-{trace_id}-{secrets.token_hex(8)}-01".encode("ascii")))
    return headers


def _log_request(scope: Scope, status: int, seconds: float) -> None:
    path = scope.get("path", "")
    level = logging.DEBUG if path.startswith(_QUIET_PATHS) and status < 500 else logging.INFO
    fields = {
        "method": scope.get("method", "WEBSOCKET"),
        "path": path,
        "status": status or 500,
        "seconds": round(seconds, 4),
        "client": (scope.get("client") or ("",))[0],
    }
    log.log(level, "request", extra={FIELDS: fields})
