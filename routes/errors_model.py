"""The one shape of an error in the API's description, with an example of each, and the answers that routes declare."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from robust_error_handler import Code

_TRACE_ID = "5f2a6d0c9e1b4a375f2a6d0c9e1b4a37"
MEANINGS = {
    400: "The body cannot be read.",
    401: "Nobody is logged in, or the credentials are wrong.",
    403: "This is not for the one who asks.",
    404: "There is no such thing, or it belongs to somebody else.",
    409: "It cannot be done because of what is already there.",
    413: "The request is too large.",
    415: "The body's type is not one that is understood here.",
    422: "What was sent cannot be used.",
    429: "Too many requests; `Retry-After` says how long to wait.",
    500: "The Butler failed; its log tells more under the trace id.",
    503: "The storage or a tool of the server is not available.",
}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string"}}},
    429: {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
}


def example(code: Code, message: str, hint: str, lines: tuple[str, ...] = (), **beside: Any) -> dict[str, Any]:
    """An error as it would be answered; `beside` is what stands beside `error` in the body."""
    error = {"code": str(code), "message": message, "hint": hint, "lines": list(lines), "trace_id": _TRACE_ID}
    return {"error": error, **beside}


_EXAMPLES = {
    400: example(Code.INVALID_REQUEST, "There was an error parsing the body", "See /docs for what there is."),
    401: example(Code.UNAUTHORISED, "The session has expired.", "Renew it, or log in again."),
    403: example(Code.FORBIDDEN, "Registration is closed here.", "Ask whoever runs this server for an account."),
    404: example(Code.NOT_FOUND, "There is no such deployment.", "`GET /deployments` lists yours."),
    409: example(Code.CONFLICT, "user-repo-a1b2c3d4 is being destroyed.", "Deploy without `name` to make a new app."),
    413: example(Code.INVALID_REQUEST, "The request is larger than 1 MiB.", "Env files may have 64 KiB each."),
    415: example(Code.INVALID_REQUEST, "The body is neither JSON nor a form.", "Send it as application/json."),
    422: example(
        Code.INVALID_REQUEST,
        "The request cannot be used: limit: Input should be less than or equal to 200.",
        "See /docs for its form.",
        ("limit: Input should be less than or equal to 200",),
    ),
    429: example(Code.RATE_LIMITED, "There were too many deployments in a short time.", "Try again in 12 s."),
    500: example(Code.INTERNAL, "Internal error.", f"Tell the operator this trace id: {_TRACE_ID}."),
    503: example(Code.STORAGE, "The database is held by another program.", "Try again in a moment."),
}


class ErrorDetail(BaseModel):
    """What failed and why, and what to do next."""

    code: str = Field(description="A stable name of this kind of error.", examples=["invalid-request"])
    message: str = Field(description="What failed and why.", examples=["There is no such deployment."])
    hint: str = Field(description="What to do next; may be empty.", examples=["`GET /deployments` lists yours."])
    lines: list[str] = Field(description="Lines of output or of the input that show it.", examples=[[]])
    trace_id: str = Field(description="Finds this request in the server's log.", examples=[_TRACE_ID])


class ErrorBody(BaseModel):
    """Every error that the API answers with."""

    model_config = ConfigDict(title="Error")

    error: ErrorDetail


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may answer with these errors.

    Those that every route may answer with are added to the description by `routes.openapi`.
    """
    return {status: {"model": ErrorBody, **described(status, _EXAMPLES[status])} for status in statuses}


def described(status: int, *examples: dict[str, Any]) -> dict[str, Any]:
    """What is said about an error's answer, beside its model: what it means, its headers, and examples by code."""
    shown = {one["error"]["code"]: {"summary": one["error"]["message"], "value": one} for one in examples}
    return {
        "description": MEANINGS[status],
        "content": {"application/json": {"examples": shown}},
        **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
    }


def plain_response(status: int) -> dict[str, Any]:
    """The same as it stands in the finished description, for answers that no route declares."""
    response = described(status, _EXAMPLES[status])
    response["content"]["application/json"]["schema"] = {"$ref": f"#/components/schemas/{ErrorBody.__name__}"}
    return response
