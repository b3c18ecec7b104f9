"""Makes text of a deployment's log safe to store and to show: no control characters, no secrets, bounded length."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Redact = Callable[[str], str]

LONGEST_TEXT = 8 * 1024
_CUT_MARK = " … (line cut)"
_MOST_ITEMS = 100
_DEEPEST = 6

_COLOUR = r"\x1b\[[0-9;:]{0,32}m"
_COLOURS = re.compile(_COLOUR)
# Colours stay; other sequences of a terminal, control characters (C0, C1) and marks that reorder text go.
_UNSAFE = re.compile(
    rf"(?P<colour>{_COLOUR})"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def clean(text: str, redact: Redact) -> str:
    """One text as it may be stored."""
    if not text.isprintable():
        text = _UNSAFE.sub(lambda match: match["colour"] or "", text)
    text = _redacted(text, redact)
    return text if len(text) <= LONGEST_TEXT + len(_CUT_MARK) else text[:LONGEST_TEXT] + _CUT_MARK


def clean_detail(value: Any, redact: Redact, depth: int = 0) -> Any:
    """The same for the machine-readable extras of an event; too deep or too many items are left out."""
    if isinstance(value, str):
        return clean(str(value), redact)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= _DEEPEST:
        return None
    if isinstance(value, Mapping):
        items = list(value.items())[:_MOST_ITEMS]
        return {clean(str(key), redact): clean_detail(item, redact, depth + 1) for key, item in items}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean_detail(item, redact, depth + 1) for item in list(value)[:_MOST_ITEMS]]
    return clean(str(value), redact)


def _redacted(text: str, redact: Redact) -> str:
    masked = redact(text)
    if "\x1b" not in text:
        return masked
    # A colour in the middle of a secret must not save it: such a line loses its colours instead.
    plain = _COLOURS.sub("", text)
    masked_plain = redact(plain)
    return masked if _COLOURS.sub("", masked) == masked_plain else masked_plain
