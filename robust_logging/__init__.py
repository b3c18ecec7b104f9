"""The server's own log: one JSON object a line, with trace id, user, deployment and stage, and without secrets."""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from robust_logging.context import attach, bind, current_trace_id
from robust_logging.records import FIELDS, Timing, audit, security_event, timed
from robust_logging.redaction import MASK, Redactor, redactor, secret_values
from robust_logging.tracing import TraceMiddleware, new_trace_id
from settings import Settings

_SERVER_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "websockets", "fastapi")
_QUIET_LOGGERS = (
    "uvicorn.access",
    "websockets",
    "asyncio",
    "httpx",
    "httpx2",
    "sqlalchemy.engine",
    "alembic",
    "python_multipart",
)


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send the log lines of every library through one handler, as JSON; safe to call again."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in _SERVER_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in _QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)


def formatter() -> logging.Formatter:
    """The formatter that turns any log record into our JSON line."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_fields,
    ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _without_secrets,
            structlog.processors.JSONRenderer(default=str),
        ],
    )


def _with_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Bring the fields of `audit`, `timed` and the like to the top of the line."""
    record = event.get("_record")
    fields: dict[str, Any] = getattr(record, FIELDS, {})
    for name, value in fields.items():
        event[name if name not in ("event", "level", "logger", "timestamp") else f"{name}_"] = value
    return event


def _without_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    masked: EventDict = redactor.mask_all(event)
    return masked


__all__ = [
    "FIELDS",
    "MASK",
    "Redactor",
    "Timing",
    "TraceMiddleware",
    "attach",
    "audit",
    "bind",
    "configure",
    "current_trace_id",
    "formatter",
    "new_trace_id",
    "redactor",
    "secret_values",
    "security_event",
    "timed",
]
