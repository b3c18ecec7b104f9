"""The server's own log: one JSON object a line, with trace id, user, deployment and stage, and without secrets."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from robust_logging.context import attach, bind, current_trace_id
from robust_logging.json_lines import JsonLines
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
    handler.setFormatter(JsonLines())
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


__all__ = [
    "FIELDS",
    "JsonLines",
    "MASK",
    "Redactor",
    "Timing",
    "TraceMiddleware",
    "attach",
    "audit",
    "bind",
    "configure",
    "current_trace_id",
    "new_trace_id",
    "redactor",
    "secret_values",
    "security_event",
    "timed",
]
