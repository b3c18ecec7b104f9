"""Uploaded `.env` files, read strictly: every mistake is named by its line, and nothing is interpolated."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping

from dotenv.parser import Binding, parse_stream

from robust_error_handler import BadRequest, Code

MAX_BYTES = 64 * 1024

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_NAME_RULE = "a name holds letters, digits and _ only, starts with no digit and has at most 128 characters"
_HINT = "Write one KEY=value a line; quote a value that spans lines or has spaces around it."


def parse(text: bytes, label: str) -> dict[str, str]:
    """The variables of a `.env` file, in its order. `label` names the file in messages.

    A `$` is a `$`; `export KEY=value`, comments and quoted values over several lines are understood.
    Raises BadRequest with one line for each mistake. No message holds a value.
    """
    content = _decoded(text, label)
    variables: dict[str, str] = {}
    first_lines: dict[str, int] = {}
    mistakes: list[str] = []
    for line, entry in _entries(content):
        mistake = _mistake(entry, first_lines)
        if mistake:
            mistakes.append(f"line {line}: {mistake}")
        elif entry.key is not None:
            first_lines[entry.key] = line
            variables[entry.key] = entry.value or ""
    if mistakes:
        raise _refusal(f"{label} has {_count(mistakes)} and was not used: {'; '.join(mistakes[:3])}.", mistakes)
    return variables


def check(variables: Mapping[str, str], label: str) -> None:
    """Hold variables that came otherwise to the same rules. Raises BadRequest with one line for each mistake."""
    mistakes = [f"{_shown(name)}: {mistake}" for name, value in variables.items() if (mistake := _wrong(name, value))]
    if mistakes:
        raise _refusal(f"{label} has {_count(mistakes)} and was not used: {'; '.join(mistakes[:3])}.", mistakes)
    size = sum(len(name) + len(value.encode("utf-8")) + 2 for name, value in variables.items())
    if size > MAX_BYTES:
        raise _refusal(f"{label} is larger than {MAX_BYTES // 1024} KiB.", hint="Ship large values as files.")


def _wrong(name: str, value: str) -> str | None:
    if not _KEY.fullmatch(name):
        return _NAME_RULE
    if "\0" in value:
        return "a value holds no NUL character"
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return "not UTF-8 text"
    return None


def _shown(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name)[:128]


def _decoded(text: bytes, label: str) -> str:
    if len(text) > MAX_BYTES:
        raise _refusal(f"{label} is larger than {MAX_BYTES // 1024} KiB.", hint="Keep only variables in it.")
    try:
        content = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        mistake = f"line {line}: not UTF-8 text"
        raise _refusal(f"{label} is not UTF-8 text ({mistake}).", [mistake], "Save the file as UTF-8.") from None
    if "\0" in content:
        mistake = f"line {content.count(chr(10), 0, content.index(chr(0))) + 1}: a NUL character"
        raise _refusal(f"{label} holds a NUL character ({mistake}).", [mistake], "Save the file as plain UTF-8 text.")
    return content


def _entries(content: str) -> Iterator[tuple[int, Binding]]:
    """Each entry with the number of the line on which it really starts (the parser counts blank lines before it)."""
    for entry in parse_stream(io.StringIO(content, newline=None)):
        text = entry.original.string
        blank = text[: len(text) - len(text.lstrip())]
        yield entry.original.line + blank.count("\n"), entry


def _mistake(entry: Binding, first_lines: dict[str, int]) -> str | None:
    if entry.error:
        return "not of the form KEY=value, or a quote that does not end"
    if entry.key is None:
        return None
    if not _KEY.fullmatch(entry.key):
        return _NAME_RULE
    if entry.value is None:
        return f"{entry.key} has no value; write {entry.key}= for an empty one"
    if entry.key in first_lines:
        return f"{entry.key} is set already on line {first_lines[entry.key]}"
    return None


def _count(mistakes: list[str]) -> str:
    return "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"


def _refusal(message: str, mistakes: list[str] | None = None, hint: str = _HINT) -> BadRequest:
    return BadRequest(message, hint, Code.INVALID_ENV_FILE, lines=tuple(mistakes or ()))
