"""The one place where errors become answers: every one has the same shape and a trace id."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from robust_error_handler import BadRequest, ButlerError, Code, CommandFailed, DeploymentFailed
from robust_logging import FIELDS, current_trace_id
from routes.openapi import methods_of

log = logging.getLogger(__name__)

_CODES = {401: Code.UNAUTHORISED, 403: Code.FORBIDDEN, 404: Code.NOT_FOUND, 409: Code.CONFLICT, 429: Code.RATE_LIMITED}
_LONGEST_LINE_SHOWN = 320


def add_handlers(app: FastAPI, missing_page: Path) -> None:
    """Turn our own errors and the framework's into the one shape; `UnknownErrors` does it for all others.

    Somebody whose browser opens an address that leads nowhere gets `missing_page`, where it is built.
    """

    async def ours(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ButlerError)  # noqa: S101 - what it is registered for
        if error.code is Code.DOCKER_DOWN:
            error.status = 503  # outside a deployment it is the server that fails, not what was sent to it
        if error.status >= 500:
            log.error("a request failed: %s", error.message, extra={FIELDS: {"code": str(error.code)}})
        return answer(error)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
        if error.status_code == 404 and _opens_a_page(request) and _is_there(missing_page):
            return FileResponse(missing_page, status_code=404, headers={"Cache-Control": "no-cache"})
        code = _CODES.get(error.status_code, Code.INVALID_REQUEST)
        message = "There is no such address." if error.status_code == 404 else str(error.detail)
        known = ButlerError(message, "See /docs for what there is.", code, error.status_code)
        return answer(known, {**(error.headers or {}), **_allowed(app, request, error.status_code)})

    async def validation(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
        return answer(_refusal(error))

    async def command(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, CommandFailed)  # noqa: S101 - what it is registered for
        log.error("a program failed: %s", error, extra={FIELDS: {"tail": error.tail[-5:]}})
        hint = "Try again; if it stays, see the server's log."
        return await ours(request, DeploymentFailed(Code.DOCKER_DOWN, str(error), hint))

    app.add_exception_handler(ButlerError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(CommandFailed, command)


def answer(error: ButlerError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error as an HTTP answer."""
    body = {"error": error.as_dict(current_trace_id())}
    return JSONResponse(body, status_code=error.status, headers={**error.headers, **(headers or {})})


class UnknownErrors:
    """Answers whatever nobody expected with the trace id alone; the trace itself goes to the server's log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            log.exception("a request ended in an unknown error")
            if not has_begun:
                await answer(_internal())(scope, receive, send)


def _opens_a_page(request: Request) -> bool:
    return request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")


def _is_there(page: Path) -> bool:
    return page.is_file()


def _internal() -> ButlerError:
    return ButlerError("Internal error.", f"Tell the operator this trace id: {current_trace_id()}.")


def _allowed(app: FastAPI, request: Request, status: int) -> dict[str, str]:
    """All methods of an address: the framework names only those of the first route there."""
    route = request.scope.get("route")
    methods = methods_of(app, getattr(route, "path", "")) if status == 405 else []
    return {"Allow": ", ".join(methods)} if methods else {}


def _refusal(error: RequestValidationError) -> BadRequest:
    """The framework's findings as sentences, without the values that were sent."""
    lines = []
    for finding in error.errors():
        place = ".".join(str(part) for part in finding["loc"] if part not in ("body", "query", "path", "header"))
        lines.append(f"{place or 'body'}: {finding['msg']}")
    reason = HTTPStatus.UNPROCESSABLE_ENTITY.phrase
    refusal = BadRequest(f"The request cannot be used: {'; '.join(lines)[:500] or reason}.", "See /docs for its form.")
    refusal.lines = tuple(line[:_LONGEST_LINE_SHOWN] for line in lines)
    return refusal
