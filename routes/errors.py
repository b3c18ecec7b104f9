"""The one place where errors become answers: every one has the same shape and a trace id."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from robust_error_handler import BadRequest, ButlerError, Code, CommandFailed, DeploymentFailed
from robust_logging import current_trace_id

log = logging.getLogger(__name__)

_CODES = {401: Code.UNAUTHORISED, 403: Code.FORBIDDEN, 404: Code.NOT_FOUND, 409: Code.CONFLICT, 429: Code.RATE_LIMITED}
_LONGEST_INPUT_SHOWN = 80


def add_handlers(app: FastAPI) -> None:
    """Turn our own errors, the framework's and unknown ones into the one shape."""

    async def ours(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ButlerError)  # noqa: S101 - what it is registered for
        if error.status >= 500:
            log.error("a request failed: %s", error.message, extra={"code": str(error.code)})
        return answer(error)

    async def http(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
        code = _CODES.get(error.status_code, Code.INVALID_REQUEST)
        message = "There is no such address." if error.status_code == 404 else str(error.detail)
        known = ButlerError(message, "See /docs for what there is.", code, error.status_code)
        return answer(known, error.headers)

    async def validation(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
        return answer(_refusal(error))

    async def command(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, CommandFailed)  # noqa: S101 - what it is registered for
        log.error("a program failed: %s", error, extra={"tail": error.tail[-5:]})
        return answer(DeploymentFailed(Code.DOCKER_DOWN, str(error), "Try again; if it stays, see the server's log."))

    app.add_exception_handler(ButlerError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(CommandFailed, command)
    app.add_exception_handler(Exception, _unknown)


def answer(error: ButlerError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error as an HTTP answer."""
    body = {"error": error.as_dict(current_trace_id())}
    return JSONResponse(body, status_code=error.status, headers={**error.headers, **(headers or {})})


async def _unknown(_request: Request, error: Exception) -> JSONResponse:
    log.exception("an unknown error", exc_info=error)
    return answer(
        ButlerError("Internal error.", f"Tell the operator this trace id: {current_trace_id()}.", Code.INTERNAL, 500)
    )


def _refusal(error: RequestValidationError) -> BadRequest:
    """The framework's findings as sentences; a value is shown only where it is short and no secret."""
    lines = []
    for finding in error.errors():
        place = ".".join(str(part) for part in finding["loc"] if part not in ("body", "query", "path", "header"))
        lines.append(f"{place or 'body'}: {finding['msg']}")
    reason = HTTPStatus.UNPROCESSABLE_ENTITY.phrase
    refusal = BadRequest(f"The request cannot be used: {'; '.join(lines)[:500] or reason}.", "See /docs for its form.")
    refusal.lines = tuple(line[: _LONGEST_INPUT_SHOWN * 4] for line in lines)
    return refusal
