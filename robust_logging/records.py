"""Records with fields: what users did, what concerns security, and how long things took."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

FIELDS = "butler_fields"
"""Name of the log record's attribute that holds fields; they become top-level keys of the JSON line."""

_audit = logging.getLogger("butler.audit")
_security = logging.getLogger("butler.security")
_timing = logging.getLogger("butler.timing")


def audit(action: str, **fields: Any) -> None:
    """Record what a user did: `audit("deployment.delete", deployment=name)`. The user comes from the context."""
    _audit.info(action, extra={FIELDS: fields})


def security_event(name: str, **fields: Any) -> None:
    """Record what concerns security: a refused log-in, a token used after log-out, a refused compose file."""
    _security.warning(name, extra={FIELDS: fields})


@dataclass
class Timing:
    """How long the block of a `timed` took; `seconds` is there when it has ended."""

    seconds: float = 0.0


@contextmanager
def timed(name: str, **fields: Any) -> Iterator[Timing]:
    """Measure a block and record its duration and whether it ended well."""
    timing = Timing()
    started = time.perf_counter()
    outcome = "ok"
    try:
        yield timing
    except BaseException as error:
        outcome = type(error).__name__
        raise
    finally:
        timing.seconds = time.perf_counter() - started
        _timing.info(name, extra={FIELDS: {**fields, "seconds": round(timing.seconds, 4), "outcome": outcome}})
