"""How a log record is written: one JSON object a line, with what is bound around it, and without secrets."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from robust_logging.context import bound
from robust_logging.records import FIELDS
from robust_logging.redaction import redactor

_OURS = frozenset(("event", "level", "logger", "timestamp"))


class JsonLines(logging.Formatter):
    """Writes any library's record as our JSON line; the fields of `audit`, `timed` and the like stand at its top."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        fields: dict[str, Any] = getattr(record, FIELDS, {})
        line: dict[str, Any] = {
            "event": record.getMessage(),
            **bound(),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            **{f"{name}_" if name in _OURS else name: value for name, value in fields.items()},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps(redactor.mask_all(line), default=str)
