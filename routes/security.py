"""What guards every request: its trace id, its size, and the headers that tell browsers what is allowed."""

from __future__ import annotations

import ipaddress
import re

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from robust_error_handler import ButlerError, Code
from robust_logging import TraceMiddleware
from routes.errors import UnknownErrors, answer
from settings import Settings

LARGEST_BODY_BYTES = 1024 * 1024
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Swagger's page loads its script and style from elsewhere and starts with an inline script.
_DOCS = ("/docs", "/redoc")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PORT = re.compile(r":[0-9]*$")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def add_middleware(app: FastAPI, settings: Settings) -> None:
    """Put the guards around the application; the last one added sees a request first."""
    app.add_middleware(BodyLimit, most_bytes=LARGEST_BODY_BYTES)
    app.add_middleware(UnknownErrors)
    app.add_middleware(KnownHosts, names=_names(settings))
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.allowed_origins),
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Prefer", "X-Request-ID"],
            expose_headers=["Idempotent-Replayed", "Link", "Location", "Retry-After", "X-Request-ID", "X-Total-Count"],
        )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(TraceMiddleware)


class SecurityHeaders:
    """Adds the headers to every HTTP answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith(_DOCS):
                    headers.setdefault("Content-Security-Policy", _POLICY)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class KnownHosts:
    """Refuses requests for a name that is not ours.

    A page of anybody's site can have its own name lead to this machine, and would then count as the Butler's own.
    Addresses and names without a dot are nobody's to register, so they are let through.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or not self._names or self._is_known(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403, "reason": "unknown host name"})
        else:
            await _unknown_host()(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        host = _PORT.sub("", dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower())
        return "." not in host or host in self._names or _is_address(host)


class BodyLimit:
    """Refuses a request whose body is larger than allowed, also one that does not say how large it is."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._most:
            await _too_large()(scope, receive, send)
        elif not await self._goes_through(scope, receive, send):
            await _too_large()(scope, receive, send)

    async def _goes_through(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Whether the application got the whole body; where it did not, nothing was answered yet."""
        seen, has_begun, is_refused = 0, False, False

        async def counted() -> Message:
            nonlocal seen, is_refused
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most:
                is_refused = not has_begun
                return {"type": "http.disconnect"}
            return message

        async def watched(message: Message) -> None:
            nonlocal has_begun
            if not is_refused:
                has_begun = True
                await send(message)

        try:
            await self._app(scope, counted, watched)
        except Exception:
            if not is_refused:
                raise
        return not is_refused


def _names(settings: Settings) -> frozenset[str]:
    """The names that are known; none where any will do."""
    given = frozenset(name.lower() for name in settings.allowed_hosts)
    if "*" in given or not given and settings.host not in _LOOPBACK:
        return frozenset()
    return given | {settings.public_host.lower()}


def _is_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def _unknown_host() -> JSONResponse:
    hint = "Use the server's own name; BUTLER_ALLOWED_HOSTS lists those that it answers to."
    return answer(ButlerError("This server is not known by that name.", hint, Code.INVALID_REQUEST, 400))


def _too_large() -> JSONResponse:
    error = ButlerError(
        "The request is larger than 1 MiB.", "Env files may have 64 KiB each.", Code.INVALID_REQUEST, 413
    )
    return answer(error, {"Connection": "close"})
