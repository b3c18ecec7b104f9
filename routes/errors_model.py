"""The one shape of an error in the API's description, and the answers that routes declare with it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

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
    503: "The storage or a tool of the server is not available.",
}
_HEADERS = {
    401: {"WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string"}}},
    429: {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
}


class ErrorDetail(BaseModel):
    """What failed and why, and what to do next."""

    code: str = Field(description="A stable name of this kind of error.", examples=["invalid-request"])
    message: str = Field(description="What failed and why.", examples=["There is no such deployment."])
    hint: str = Field(description="What to do next; may be empty.", examples=["`GET /deployments` lists yours."])
    lines: list[str] = Field(description="Lines of output or of the input that show it.", examples=[[]])
    trace_id: str = Field(description="Finds this request in the server's log.", examples=["5f2a6d0c9e1b4a37"])


class ErrorBody(BaseModel):
    """Every error that the API answers with."""

    model_config = ConfigDict(title="Error")

    error: ErrorDetail


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may answer with these errors."""
    return {
        status: {"model": ErrorBody, "description": MEANINGS[status]}
        | ({"headers": _HEADERS[status]} if status in _HEADERS else {})
        for status in statuses
    }
