"""What a rule of the advice table is, and how one is tried on output; knows no particular failure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from domain import Stage
from robust_error_handler import Code

EVERYWHERE = frozenset(Stage)
BUILDING = frozenset({Stage.CLEAN, Stage.BUILD})
RUNNING = frozenset({Stage.START, Stage.PORT, Stage.VERIFY})
BUILDING_OR_RUNNING = BUILDING | RUNNING
CLONING = frozenset({Stage.VALIDATE, Stage.CLONE})

_ESCAPES = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|[\x00-\x08\x0b-\x1f\x7f]")
_BUILDKIT_PREFIX = re.compile(r"^(?:#\d+ )?(?:\d+\.\d+ )?")
_COMPOSE_PREFIX = re.compile(r"^[a-z0-9][\w.-]{0,60}-\d+ +\| ")
_LONGEST_LINE = 2000
_LONGEST_WORD = 160
_MOST_LINES = 600
_MOST_CHARACTERS = 200_000
_MOST_EVIDENCE = 20


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One known failure: how its output looks, what it means and what helps.

    A rule applies when one of `patterns` occurs in the output (and `also`, if given, somewhere in it), when the
    exit code is one of `exit_codes`, or when `out_of_memory` is set and the kernel ended the process for memory.
    Named groups fill `message` and `remedy`. `retry` marks what may go away by itself.
    `before` and `after` say how many lines around the match show it.
    """

    name: str
    stages: frozenset[Stage]
    code: Code
    message: str
    remedy: str
    patterns: tuple[str, ...] = ()
    also: str = ""
    exit_codes: frozenset[int] = frozenset()
    out_of_memory: bool = False
    retry: bool = False
    before: int = 6
    after: int = 6


@dataclass(frozen=True)
class Finding:
    """A rule that applied, the words it found, and the lines that show it."""

    rule: Rule
    words: Mapping[str, str]
    lines: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Report:
    """What is known of a failure: the cleaned output and how the process ended."""

    stage: Stage
    lines: tuple[str, ...]
    text: str
    exit_code: int | None
    oom_killed: bool


def report(stage: Stage, lines: Sequence[str], exit_code: int | None, oom_killed: bool) -> Report:
    """Clean the output for matching: without escapes and prefixes, bounded in length and number."""
    kept: list[str] = []
    left = _MOST_CHARACTERS
    for line in reversed(list(lines)[-_MOST_LINES:]):
        kept.append(_clean(line, stage))
        left -= len(kept[-1])
        if left < 0:
            break
    cleaned = tuple(reversed(kept))
    return Report(stage, cleaned, "\n".join(cleaned), exit_code, oom_killed)


def apply(rule: Rule, facts: Report) -> Finding | None:
    """Try one rule."""
    if facts.stage not in rule.stages:
        return None
    return _by_output(rule, facts) or _by_ending(rule, facts)


def tail(lines: Sequence[str]) -> tuple[str, ...]:
    """The last lines that say anything."""
    return tuple(line for line in lines if line.strip())[-_MOST_EVIDENCE:]


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """A rule's pattern; `^` and `$` mean lines."""
    return re.compile(pattern, re.MULTILINE)


def _by_ending(rule: Rule, facts: Report) -> Finding | None:
    if (rule.out_of_memory and facts.oom_killed) or facts.exit_code in rule.exit_codes:
        return Finding(rule, {}, tail(facts.lines))
    return None


def _by_output(rule: Rule, facts: Report) -> Finding | None:
    if rule.also and not compiled(rule.also).search(facts.text):
        return None
    for pattern in rule.patterns:
        if match := _last(compiled(pattern), facts.text):
            line = facts.text.count("\n", 0, match.start())
            return Finding(rule, _words(match), _around(facts.lines, line, rule))
    return None


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The last match: what stands nearest to the end is nearest to the failure."""
    last: re.Match[str] | None = None
    for match in pattern.finditer(text):
        last = match
    return last


def _words(match: re.Match[str]) -> dict[str, str]:
    groups = match.groupdict().items()
    return {
        name: value.strip().replace("%2f", "/")[:_LONGEST_WORD] for name, value in groups if value and value.strip()
    }


def _around(lines: Sequence[str], line: int, rule: Rule) -> tuple[str, ...]:
    before = [text for text in lines[:line] if text.strip()][-rule.before :] if rule.before else []
    after = [text for text in lines[line:] if text.strip()][: rule.after + 1]
    return tuple((before + after)[:_MOST_EVIDENCE])


def _clean(line: str, stage: Stage) -> str:
    text = _ESCAPES.sub("", line[:_LONGEST_LINE]).rstrip()
    if stage in BUILDING:
        return _BUILDKIT_PREFIX.sub("", text)
    return _COMPOSE_PREFIX.sub("", text)
