"""What every log line of a request or a deployment carries: trace id, user, deployment, release and stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_bound: ContextVar[Mapping[str, Any]] = ContextVar("what log lines carry")


@contextmanager
def bind(
    *,
    trace_id: str | None = None,
    user: str | int | None = None,
    deployment: str | None = None,
    release: int | None = None,
    stage: str | None = None,
) -> Iterator[None]:
    """Attach values to all log lines written within the block, in this task and in those it starts."""
    token = _bound.set({**bound(), **_given(trace_id, user, deployment, release, stage)})
    try:
        yield
    finally:
        _bound.reset(token)


def attach(
    *,
    trace_id: str | None = None,
    user: str | int | None = None,
    deployment: str | None = None,
    release: int | None = None,
    stage: str | None = None,
) -> None:
    """Attach values to all further log lines of this task (for example the user, once a request is known to be his)."""
    _bound.set({**bound(), **_given(trace_id, user, deployment, release, stage)})


def bound() -> Mapping[str, Any]:
    """What is attached here and now."""
    return _bound.get({})


def current_trace_id() -> str:
    """The trace id of what is going on; empty outside a request or a deployment."""
    return str(bound().get("trace_id", ""))


def _given(
    trace_id: str | None, user: str | int | None, deployment: str | None, release: int | None, stage: str | None
) -> dict[str, Any]:
    values = {"trace_id": trace_id, "user": user, "deployment": deployment, "release": release, "stage": stage}
    return {
        name: value if isinstance(value, int) else str(value) for name, value in values.items() if value is not None
    }
