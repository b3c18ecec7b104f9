"""Makes text that came from elsewhere safe to print: colours may stay, whatever else steers a terminal goes."""

from __future__ import annotations

import re

_COLOUR = re.compile(r"\x1b\[[0-9;:]{0,64}m")
_STEERING = re.compile(
    r"(?P<colour>\x1b\[[0-9;:]{0,64}m)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_RESET = "\x1b[0m"
# Bold, faint, italic, underlined and what ends them; not blinking, and not hidden.
_STYLES = frozenset({0, 1, 2, 3, 4, 22, 23, 24, 39, 49})


def plain(text: str) -> str:
    """The text alone, without colours."""
    return text if text.isprintable() else _STEERING.sub("", text)


def coloured(text: str) -> str:
    """The text with its colours, which end with it."""
    if text.isprintable():
        return text
    kept = _STEERING.sub(lambda match: _colour_only(match["colour"]) if match["colour"] else "", text)
    return kept + _RESET if "\x1b" in kept else kept


def _colour_only(sequence: str) -> str:
    """A sequence of colours and plain styles; nothing where it asks for more."""
    numbers = [int(part) if part else 0 for part in re.split("[;:]", sequence[2:-1])]
    return sequence if _are_colours(numbers) else ""


def _are_colours(numbers: list[int]) -> bool:
    rest = list(numbers)
    while rest:
        number = rest.pop(0)
        if number in (38, 48):  # followed by 5 and a number of the palette, or by 2 and three numbers
            if not rest or rest[0] not in (2, 5):
                return False
            del rest[: 2 if rest[0] == 5 else 4]
        elif number not in _STYLES and not 30 <= number <= 37 and not 40 <= number <= 47 and not 90 <= number <= 107:
            return False
    return True
