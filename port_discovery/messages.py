"""The ports that apps say they listen on, read from their log lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

_LONGEST_LINE = 600
_MOST_LINES = 5000
_ESCAPES = re.compile(r"\x1b\[[0-9;:?]{0,40}[ -/]{0,4}[@-~]|\x1b\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)?")

# Ports of databases, queues and debuggers: a log that names one speaks of a neighbour, not of the app's own site.
_NEIGHBOURS = frozenset(
    {1433, 1521, 2181, 2379, 3306, 4317, 4318, 5005, 5432, 5671, 5672, 6379, 6380, 9042, 9092, 9200, 9229, 9230}
    | {9300, 11211, 15672, 24678, 26379, 27017, 27018, 27019, 33060, 35729}
)
_OTHERS = re.compile(
    r"\b(?:postgres(?:ql)?|mysql|mariadb|mongodb|mongo|redis|rediss|amqps?|kafka|memcached|jdbc|nats|mqtt)\b"
    r"|\bconnect(?:ed|ing|ion)?\b.{0,40}?\b(?:to|at|with)\b|\b(?:debugger|inspector|upstream|ECONNREFUSED|proxying)\b",
    re.IGNORECASE,
)
_SIDE_DOORS = re.compile(
    r"\b(?:metrics|prometheus|pprof|livereload|live reload|hmr|health|management)\b", re.IGNORECASE
)

_HERE = r"(?:localhost|0\.0\.0\.0|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1?\]|::1?|\*|\[::ffff:0\.0\.0\.0\])"
_NUMBER = r"(?P<port>\d{2,5})(?![\d.])"
_VERB = (
    r"\b(?:listen(?:s|ed|ing)?|serv(?:es|ed|ing|er|ice)|run(?:s|ning)?|start(?:s|ed|ing)?|ready|launched|available"
    r"|accepting|bound|binding|exposed|up|app|application|site|web|api|http|https|tomcat|jetty|netty|undertow)\b"
)

_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:https?|tcp|wss?)://(?:{_HERE}|\d{{1,3}}(?:\.\d{{1,3}}){{3}}|[0-9a-f]{{12}}):{_NUMBER}",
        rf"(?<![\w.:@]){_HERE}:{_NUMBER}(?!:)",
        rf"{_HERE},? port:? {_NUMBER}",
        rf"{_VERB}[^\d\n]{{0,60}}\bport(?:\(s\)|s\b|\b)[\s:=#\"'`\[(]{{0,6}}{_NUMBER}",
        rf"\blisten(?:s|ing)?\s+(?:on|at)[\s:#\"'`]{{1,4}}{_NUMBER}(?!:)",
        rf"{_VERB}[^\d\n]{{0,40}}\s[\"'`(]?:{_NUMBER}(?!:)",
        r"\b(?:started|running|ready|up|serving)\s+(?:on|at)[\s:#\"'`]{1,4}(?P<port>80|\d{3,5})(?![:.\w%/-])",
        rf"(?:^|[\s\"'{{,(])port\b[\"']?\s{{0,3}}[:=]\s{{0,3}}[\"']?{_NUMBER}",
    )
)


def ports_in_log(lines: Iterable[str]) -> tuple[int, ...]:
    """The ports that the lines announce, each once: an app's main door first, side doors such as metrics last."""
    main: list[int] = []
    side: list[int] = []
    for line in islice(lines, _MOST_LINES):
        text = _ESCAPES.sub("", line[:_LONGEST_LINE])
        if not _OTHERS.search(text):
            (side if _SIDE_DOORS.search(text) else main).extend(_ports_in(text))
    return tuple(dict.fromkeys([*main, *side]))


def _ports_in(text: str) -> Iterator[int]:
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            port = int(match["port"])
            if 0 < port < 65536 and port not in _NEIGHBOURS:
                yield port
