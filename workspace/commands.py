"""Reading a shell command that a repository gives: which program, which port, whether it may replace the shell."""

from __future__ import annotations

import re
import shlex

_ASSIGNMENT = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*=")
_SHELL_WORDS = frozenset(
    "cd exec export set unset source . eval if for while case until trap ulimit umask wait { [[ true false : exit".split()
)
_PORT = re.compile(
    r"(?:^|\s)(?:--(?:server[._-])?port[= ]|-p[= ]?|PORT=|--listen[= ]|-l[= ]?|runserver\s+)"
    r"['\"]?(?:tcp://)?(?:[\w.]*:)?(?:\$\{PORT:-)?(\d{2,5})\b"
    r"|(?:--bind|-b)[= ]['\"]?(?:[\w.\[\]]*:)(?:\$\{PORT:-)?(\d{2,5})\b"
)
_LOOPBACK = re.compile(
    r"(?:--(?:server[._-])?(?:host(?:name)?|bind|address|ip|listen)|-b|-H|-h|-a|runserver|HOST(?:NAME)?=)"
    r"[= ]?['\"]?(?:127\.0\.0\.1|localhost)\b"
)


def words(command: str) -> list[str]:
    """The command's words, quotes resolved as a shell would; a plain split where they do not balance."""
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def programs(command: str) -> tuple[str, ...]:
    """The program of each part of a command line (`NODE_ENV=x cross-env A=b node s.js && tsc` → cross-env, node, tsc)."""
    found: list[str] = []
    for part in re.split(r"&&|\|\||[;|&\n]", command):
        rest = [word for word in words(part.strip()) if word]
        while rest and (_ASSIGNMENT.match(rest[0]) or rest[0] in ("exec", "env", "cross-env", "npx", "time", "nice")):
            if rest[0] in ("cross-env", "npx"):
                found.append(rest[0])
            rest = rest[1:]
        if rest:
            found.append(rest[0])
    return tuple(found)


def executable(command: str) -> str:
    """The same command for `sh -c`, such that its last program takes the shell's place and gets its signals."""
    command = command.strip()
    *before, last = command.split("&&")
    if not all(_is_simple(part) for part in (*before, last)):
        return command
    first = (words(last) or [""])[0]
    if not first or first in _SHELL_WORDS:
        return command
    prefix = "exec env" if _ASSIGNMENT.match(first) else "exec"
    return " && ".join([*(part.strip() for part in before), f"{prefix} {last.strip()}"])


def _is_simple(text: str) -> bool:
    """Whether a part is one program and its words: no pipe, no redirection, no subshell."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.commenters = ""
    try:
        tokens = list(lexer)
    except ValueError:
        return False
    return not re.search(r"`|\$\(|\n", text) and not any(set(token) <= set("();<>|&") for token in tokens if token)


def port(command: str) -> int | None:
    """The port that a command names literally."""
    found = _PORT.search(command)
    number = int(found[1] or found[2]) if found else 0
    return number if 0 < number < 65536 else None


def binds_loopback(command: str) -> bool:
    """Whether a command makes its program listen where nothing outside the container reaches it."""
    return _LOOPBACK.search(command) is not None
