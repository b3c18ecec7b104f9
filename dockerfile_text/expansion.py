"""Variables in Dockerfile words, expanded by BuildKit's rules (which are not quite a shell's)."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?\-$!]")
_LONGEST = 64 * 1024


class Unresolvable(ValueError):
    """A word that BuildKit itself would refuse: a brace or a quote that never ends, or an unset required variable."""


def expand(word: str, variables: Mapping[str, str], escape: str = "\\") -> str:
    """The word with quotes removed and variables filled in; unset ones are empty. Raises Unresolvable."""
    return _Expander(word, variables, escape).until("")


class _Expander:
    def __init__(self, text: str, variables: Mapping[str, str], escape: str) -> None:
        self._text = text
        self._variables = variables
        self._escape = escape
        self._at = 0

    def until(self, stop: str) -> str:
        """Expand up to an unquoted `stop` (which is consumed), or to the end where `stop` is empty."""
        parts: list[str] = []
        length = 0
        while self._at < len(self._text):
            character = self._text[self._at]
            if stop and character == stop:
                self._at += 1
                return "".join(parts)
            parts.append(self._piece(character))
            length += len(parts[-1])
            if length > _LONGEST:
                raise Unresolvable("a value grows past 64 KiB")
        if stop:
            raise Unresolvable(f"a {stop!r} is missing")
        return "".join(parts)

    def _piece(self, character: str) -> str:
        if character == "'":
            return self._single_quoted()
        if character == '"':
            return self._double_quoted()
        if character == "$":
            return self._dollar()
        if character == self._escape:
            self._at += 1
            character = self._text[self._at : self._at + 1]
        self._at += 1
        return character

    def _single_quoted(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise Unresolvable("a ' never ends")
        quoted = self._text[self._at + 1 : end]
        self._at = end + 1
        return quoted

    def _double_quoted(self) -> str:
        parts: list[str] = []
        self._at += 1
        while self._at < len(self._text):
            character = self._text[self._at]
            if character == '"':
                self._at += 1
                return "".join(parts)
            if character == "$":
                parts.append(self._dollar())
                continue
            following = self._text[self._at + 1 : self._at + 2]
            if character == self._escape and following and following in f'"${self._escape}':
                self._at += 1
                character = following
            parts.append(character)
            self._at += 1
        raise Unresolvable('a " never ends')

    def _dollar(self) -> str:
        self._at += 1
        if self._text[self._at : self._at + 1] != "{":
            name = self._name()
            return self._variables.get(name, "") if name else "$"
        self._at += 1
        name = self._name()
        if not name:
            raise Unresolvable("a ${ has no name after it")
        return self._braced(name)

    def _name(self) -> str:
        match = _NAME.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match[0]

    def _braced(self, name: str) -> str:
        operator = self._text[self._at : self._at + 1]
        self._at += 1
        value = self._variables.get(name)
        if operator == "}":
            return value or ""
        if operator == ":":
            operator = self._text[self._at : self._at + 1]
            self._at += 1
            value = value or None
            if operator not in "-+?":
                raise Unresolvable(f"${{{name}:{operator} is not known")
        if operator in ("-", "+", "?"):
            return self._substituted(name, operator, value)
        if operator in ("#", "%"):
            return self._trimmed(operator, value or "")
        if operator == "/":
            return self._replaced(value or "")
        raise Unresolvable(f"${{{name}{operator} is not known")

    def _substituted(self, name: str, operator: str, value: str | None) -> str:
        word = self.until("}")
        if operator == "-":
            return word if value is None else value
        if operator == "+":
            return "" if value is None else word
        if value is None:
            raise Unresolvable(f"{name} is required: {word or 'it is not set'}")
        return value

    def _trimmed(self, operator: str, value: str) -> str:
        greedy = self._text[self._at : self._at + 1] == operator
        self._at += greedy
        pattern = self.until("}")
        _check_cost(pattern, value)
        body = _pattern(pattern, greedy=greedy)
        if operator == "#":
            match = re.match(body, value, re.DOTALL)
            return value[match.end() :] if match else value
        starts = range(len(value) + 1) if greedy else range(len(value), -1, -1)
        start = next((at for at in starts if re.fullmatch(_pattern(pattern, greedy=True), value[at:], re.DOTALL)), None)
        return value if start is None else value[:start]

    def _replaced(self, value: str) -> str:
        everywhere = self._text[self._at : self._at + 1] == "/"
        self._at += everywhere
        pattern = self.until("/")
        replacement = self.until("}")
        _check_cost(pattern, value)
        body = _pattern(pattern, greedy=True)
        return re.sub(body, lambda _: replacement, value, count=0 if everywhere else 1, flags=re.DOTALL)


def _check_cost(pattern: str, value: str) -> None:
    """Matching takes a power of the value's length: no name of an image or a port needs more than this."""
    if len(value) > 1024 or pattern.count("*") > 3:
        raise Unresolvable("a pattern is too expensive to match")


def _pattern(pattern: str, *, greedy: bool) -> str:
    """A `*` and `?` pattern as a regular expression."""
    stars = ".*" if greedy else ".*?"
    collapsed = re.sub(r"\*+", "*", pattern)
    return "".join({"*": stars, "?": "."}.get(character, re.escape(character)) for character in collapsed)
