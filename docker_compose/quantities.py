"""Reads the sizes and durations of Compose and Docker (`64m`, `1h30m`) and writes them back."""

from __future__ import annotations

import re

_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def size_in_bytes(value: object) -> int | None:
    """`512m`, `1.5gb`, `67108864`; None for what is no size or not more than nothing."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)i?b?", str(value).strip().lower())
    size = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    return size if size > 0 else None


def duration_in_seconds(value: object) -> float | None:
    """`1h30m`, `500ms`, `10s`; a bare number is seconds; None for what is no duration."""
    text = str(value).strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return float(text)
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def number(value: object) -> float | None:
    """A positive number, or None."""
    try:
        found = float(str(value))
    except ValueError:
        return None
    return found if 0 < found < float("inf") else None
