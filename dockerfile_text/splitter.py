"""Cuts a Dockerfile into its instructions exactly as BuildKit's own parser does; substitutes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$")
_SLASH_DIRECTIVE = re.compile(r"//\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$")
_JSON_SYNTAX = re.compile(r'\s*\{.*?"syntax"\s*:\s*"([^"]*)"', re.DOTALL | re.IGNORECASE)
_FLAG = re.compile(r"--[A-Za-z]")
_HEREDOC = re.compile(r"\d*<<(-?)([^<]+)")
_BLANKS = " \t\v\f\r\n\x85\xa0"
_MAY_HOLD_HEREDOCS = frozenset({"ADD", "COPY", "RUN"})


@dataclass(frozen=True)
class Instruction:
    """One instruction. Lines count from 1; `value` follows the flags and has its continued lines joined."""

    name: str
    value: str
    first_line: int
    last_line: int
    flags: tuple[str, ...] = ()
    heredocs: tuple[str, ...] = ()

    @property
    def triggered(self) -> Instruction | None:
        """What an `ONBUILD` instruction would do in the image that builds on this one."""
        if self.name != "ONBUILD":
            return None
        name, flags, value = _command(self.value)
        return Instruction(name, value, self.first_line, self.last_line, flags) if name else None

    def flag(self, name: str) -> tuple[str, ...]:
        """The values of every `--name=value` flag (a build may say `--mount` several times)."""
        start = f"--{name}="
        return tuple(flag[len(start) :] for flag in self.flags if flag.lower().startswith(start))


@dataclass(frozen=True)
class Dockerfile:
    """A Dockerfile's text in pieces. `syntax` is the front end that it asks for, None for the built-in one."""

    lines: tuple[str, ...]
    instructions: tuple[Instruction, ...]
    escape: str = "\\"
    syntax: str | None = None
    header_lines: int = 0
    problems: tuple[str, ...] = field(default=())


def split(text: str) -> Dockerfile:
    """The instructions of a Dockerfile; never raises, what is wrong stands in `problems`."""
    lines = text.lstrip("\ufeff").replace("\r\n", "\n").removesuffix("\n").split("\n")
    directives, header_lines = _directives(lines)
    escape = directives.get("escape", "\\")
    escape = escape if escape in ("\\", "`") else "\\"
    problems: list[str] = []
    instructions = tuple(_instructions(lines, escape, problems))
    return Dockerfile(
        tuple(lines), instructions, escape, _syntax(lines, directives), header_lines, problems=tuple(problems)
    )


def words(text: str, escape: str = "\\") -> list[str]:
    """Words apart by blanks outside quotes; quotes and escapes stay as they are."""
    found: list[str] = []
    word, quote, index = "", "", 0
    while index < len(text):
        character = text[index]
        if character == escape and quote != "'":
            word += text[index : index + 2]
            index += 2
            continue
        if character in _BLANKS and not quote:
            if word:
                found.append(word)
            word = ""
        else:
            if quote:
                quote = "" if character == quote else quote
            elif character in "'\"":
                quote = character
            word += character
        index += 1
    return [*found, word] if word else found


def json_words(value: str) -> list[str] | None:
    """The words of the JSON form, None for the other form. BuildKit ignores what follows the first JSON value."""
    if not value.startswith("["):
        return None
    try:
        parsed, _ = json.JSONDecoder().raw_decode(value)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, list) and all(isinstance(part, str) for part in parsed) else None


def _directives(lines: list[str]) -> tuple[dict[str, str], int]:
    """The parser directives before anything else, and how many lines they take (a `#!` line may come first)."""
    found: dict[str, str] = {}
    start = 1 if lines[0].startswith("#!") else 0
    count = start
    for line in lines[start:]:
        match = _DIRECTIVE.match(line.strip(_BLANKS))
        if match is None:
            break
        found.setdefault(match[1].lower(), match[2])
        count += 1
    return found, count


def _syntax(lines: list[str], directives: dict[str, str]) -> str | None:
    """The front end asked for in any of the three ways that BuildKit reads: `#`, `//` and JSON."""
    if "syntax" in directives:
        return directives["syntax"]
    start = 1 if lines[0].startswith("#!") else 0
    for line in lines[start:]:
        match = _SLASH_DIRECTIVE.match(line.strip(_BLANKS))
        if match is None:
            break
        if match[1].lower() == "syntax":
            return match[2]
    match = _JSON_SYNTAX.match("\n".join(lines[start:]))
    return match[1] if match else None


def _instructions(lines: list[str], escape: str, problems: list[str]) -> Iterator[Instruction]:
    position = 0
    while position < len(lines):
        first = position + 1
        text, position = _joined(lines, position, escape)
        name, flags, value = _command(text)
        if not name:
            continue
        heredocs: list[str] = []
        for ending, strips_tabs in _heredoc_endings(name, text, value):
            content, position, ended = _heredoc(lines, position, ending, strips_tabs)
            heredocs.append(content)
            if not ended:
                problems.append(f"line {first}: the text after <<{ending} never ends")
        yield Instruction(name, value, first, max(position, first), flags, tuple(heredocs))


def _joined(lines: list[str], position: int, escape: str) -> tuple[str, int]:
    """One instruction's text with its continued lines, and the position after it."""
    text, more = _without_continuation(_uncommented(lines[position].lstrip(_BLANKS)), escape)
    position += 1
    while more and position < len(lines):
        line = lines[position]
        position += 1
        stripped = line.lstrip(_BLANKS)
        if not stripped or stripped.startswith("#"):
            continue
        line, more = _without_continuation(line, escape)
        text += line
    return text, position


def _uncommented(line: str) -> str:
    return "" if line.startswith("#") else line


def _without_continuation(line: str, escape: str) -> tuple[str, bool]:
    """The line without the escape character that continues it; a doubled one continues nothing."""
    stripped = line.rstrip(" \t")
    if not stripped.endswith(escape) or stripped.endswith(escape * 2):
        return line, False
    return stripped[:-1], True


def _command(text: str) -> tuple[str, tuple[str, ...], str]:
    head = re.split(r"[\t\v\f\r ]+", text.strip(_BLANKS), maxsplit=1)
    name, rest = head[0], head[1] if len(head) > 1 else ""
    flags: list[str] = []
    rest = rest.lstrip(_BLANKS)
    while _FLAG.match(rest):
        flag = words(rest)[0]
        flags.append(_unquoted(flag))
        rest = rest[len(flag) :].lstrip(_BLANKS)
    if rest.startswith("-- ") or rest == "--":
        rest = rest[2:].lstrip(_BLANKS)
    return name.upper(), tuple(flags), rest.strip(_BLANKS)


def _unquoted(word: str) -> str:
    """A flag's word as BuildKit reads it: quotes removed, a backslash taken for the character after it."""
    result, quote, index = "", "", 0
    while index < len(word):
        character = word[index]
        if character == "\\" and index + 1 < len(word):
            index += 1
            result += word[index]
        elif quote and character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
        else:
            result += character
        index += 1
    return result


def _heredoc_endings(name: str, text: str, value: str) -> list[tuple[str, bool]]:
    target, content = name, value
    if name == "ONBUILD":
        target, _, content = _command(value)
    if target not in _MAY_HOLD_HEREDOCS or "<<" not in text or json_words(content) is not None:
        return []
    if _quote_is_open(text):
        return []
    found = []
    for word in words(text):
        match = _HEREDOC.fullmatch(word)
        if match and len(words(match[2])) == 1:
            found.append((_unquoted(match[2]), match[1] == "-"))
    return found


def _quote_is_open(text: str) -> bool:
    """Whether a quote never ends: BuildKit then reads no heredoc from the line."""
    return bool(re.search(r"[\"']", re.sub(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"", "", text)))


def _heredoc(lines: list[str], position: int, ending: str, strips_tabs: bool) -> tuple[str, int, bool]:
    content: list[str] = []
    while position < len(lines):
        line = lines[position]
        position += 1
        if (line.lstrip("\t") if strips_tabs else line) == ending:
            return "\n".join(content), position, True
        content.append(line)
    return "\n".join(content), position, False
