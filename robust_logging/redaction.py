"""Masks secrets in text: those registered while they are in use, in every form, and those with a known shape."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

MASK = "***"
_SHORTEST = 6
_LONGEST_UNWRAPPED = 48
_WRAPPED_PIECE = 16
_COMMON_WORDS = frozenset(
    "production development staging testing localhost default enabled disabled postgres postgresql mongodb sqlite3 "
    "public private static secret password database username verbose warning console memory undefined none null true "
    "false debug 0.0.0.0 127.0.0.1 changeme example".split()
)
_SECRET_KEY = re.compile(r"passw|secret|token|authori[sz]ation|cookie|api_?key|private_?key|credential", re.IGNORECASE)
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")

# Each with a piece of text that must be there for the pattern to be tried at all, which keeps ordinary lines cheap.
_SHAPES: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("gh", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{16,255}"), MASK),
    ("github_pat_", re.compile(r"\bgithub_pat_[A-Za-z0-9_]{16,255}"), MASK),
    ("glpat-", re.compile(r"\bglpat-[\w-]{16,255}"), MASK),
    ("npm_", re.compile(r"\bnpm_[A-Za-z0-9]{30,60}"), MASK),
    ("xox", re.compile(r"\bxox[abeoprs]-[\w-]{10,255}"), MASK),
    ("sk", re.compile(r"\b[sr]k[-_](?:live|test|proj|ant)[-_][\w-]{16,255}"), MASK),
    ("AKIA", re.compile(r"\bAKIA[0-9A-Z]{16}\b"), MASK),
    ("eyJ", re.compile(r"\beyJ[\w-]{8,4096}\.[\w-]{8,8192}\.[\w-]{0,4096}"), MASK),
    ("://", re.compile(r"(?<=://)[^\s/@:\"'<>]{0,256}:[^\s/@\"'<>]{1,512}(?=@)"), MASK),
    ("://", re.compile(r"(?<=://)[^\s/@:\"'<>]{16,512}(?=@)"), MASK),
    (
        "uthorization",
        re.compile(r"(?i)(\bauthorization['\"]?\s{0,3}[:=]\s{0,3}['\"]?(?:\w{1,20}\s)?)[^\s'\",]{1,4096}"),
        r"\1" + MASK,
    ),
    ("earer ", re.compile(r"(?i)(\bbearer )[\w.~+/=-]{8,4096}"), r"\1" + MASK),
)


class Redactor:
    """Knows the secrets that are in use now and takes them out of whatever is about to be stored or shown.

    Values shorter than 6 characters and common words stay: masking them would garble everything and hide nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uses: Counter[str] = Counter()
        self._forms: tuple[str, ...] = ()
        self._long_base64: tuple[str, ...] = ()

    def add(self, value: str) -> None:
        """Hide a value for as long as the server runs."""
        self._change([value], 1)

    @contextmanager
    def hiding(self, values: Iterable[str]) -> Iterator[None]:
        """Hide values while the block runs; the same value may be hidden by several blocks at once."""
        kept = list(values)
        self._change(kept, 1)
        try:
            yield
        finally:
            self._change(kept, -1)

    def mask(self, text: str) -> str:
        """The text without any secret that is known."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        for form in self._long_base64:
            text = _without_wrapped(text, form)
        for needle, shape, mask in _SHAPES:
            if needle in text:
                text = shape.sub(mask, text)
        return text

    def mask_all(self, value: Any) -> Any:
        """The same for nested lists and mappings; what stands under a key such as `password` goes whole."""
        if isinstance(value, str):
            return self.mask(str(value))
        if isinstance(value, Mapping):
            return {key: MASK if _is_secret(key, item) else self.mask_all(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.mask_all(item) for item in value]
        return value

    def _change(self, values: Iterable[str], difference: int) -> None:
        with self._lock:
            for value in values:
                self._uses[_plain(value)] += difference
            self._uses = +self._uses
            forms = {form for value in self._uses for form in _forms_of(value)}
            self._long_base64 = tuple(
                form for value in self._uses for form in _base64_forms(value) if len(form) > _LONGEST_UNWRAPPED
            )
            self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))


def secret_values(variables: Mapping[str, str]) -> list[str]:
    """Which values of an env file are worth hiding: all but plain addresses, paths, numbers and common words."""
    return [value for value in variables.values() if not _is_plain(_plain(value))]


def _plain(value: str) -> str:
    return str.__str__(value)


def _is_plain(value: str) -> bool:
    if value.startswith(("/", "./")) and not re.search(r"[+=]", value):
        return True
    if value.isdigit() and len(value) < 8:
        return True
    try:
        address = urlsplit(value)
    except ValueError:
        return False
    return address.scheme in ("http", "https") and "@" not in address.netloc and not address.query


def _is_secret(key: object, value: object) -> bool:
    return isinstance(value, str) and isinstance(key, str) and bool(_SECRET_KEY.search(key))


def _forms_of(value: str) -> frozenset[str]:
    forms: set[str] = set()
    for part in {value, value.strip(), *_lines(value), *_password_in(value)}:
        if len(part) >= _SHORTEST and part.lower() not in _COMMON_WORDS:
            forms |= _written_forms(part) | set(_base64_forms(part))
    return frozenset(form for form in forms if len(form) >= _SHORTEST)


def _lines(value: str) -> list[str]:
    """The lines of a value that has several; output shows them one at a time."""
    lines = [line.strip() for line in value.splitlines()]
    return [line for line in lines if not line.startswith("-----")] if len(lines) > 1 else []


def _password_in(value: str) -> list[str]:
    """The password within an address, which error messages show on its own."""
    if "://" not in value or "@" not in value:
        return []
    try:
        password = urlsplit(value).password
    except ValueError:
        return []
    return [password, unquote(password)] if password else []


def _written_forms(value: str) -> set[str]:
    quoted = {quote(value, safe=""), quote(value), quote_plus(value)}
    lower = {re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), form) for form in quoted}
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    return {value, html.escape(value), json.dumps(json.dumps(value))[3:-3]} | quoted | lower | escaped


def _base64_forms(value: str) -> tuple[str, ...]:
    """What Base64 makes of the value at each of the three places where it may begin within a longer text."""
    raw = value.encode("utf-8", "surrogatepass")
    if len(raw) < _SHORTEST or value.lower() in _COMMON_WORDS:
        return ()
    forms = []
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode("ascii")
        first, last = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
        forms.append(encoded[first:last])
    return tuple(dict.fromkeys(forms + [form.replace("+", "-").replace("/", "_") for form in forms]))


def _without_wrapped(text: str, form: str) -> str:
    """Mask pieces of a long Base64 form that was wrapped into several lines."""

    def masked(run: re.Match[str]) -> str:
        piece = run[0].rstrip("=")
        windows = range(len(piece) - _WRAPPED_PIECE + 1)
        known = [at for at in windows if piece[at : at + _WRAPPED_PIECE] in form]
        return piece[: known[0]] + MASK + piece[known[-1] + _WRAPPED_PIECE :] if known else run[0]

    return _BASE64_RUN.sub(masked, text)


redactor = Redactor()
"""The server's one redactor: both kinds of log go through it."""
