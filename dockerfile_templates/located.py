"""Adds to each reason of a plan the line of the file that it names, where the file says it in one line."""

from __future__ import annotations

import re
from dataclasses import replace

from domain import Evidence, Plan
from workspace import Workspace

_NAMED = re.compile(r"^(?P<key>.+?) (?P<word>in|of) (?P<file>[\w@./+-]+)(?P<rest>(?: \(.*)?)$", re.DOTALL)
_SEARCHED_BYTES = 400_000
_MOST_DEEP = 6


def located(workspace: Workspace, plan: Plan) -> Plan:
    """The same plan; `engines.node in package.json` becomes `engines.node in package.json:12`."""
    return replace(plan, evidence=tuple(_located(workspace, plan.context, entry) for entry in plan.evidence))


def _located(workspace: Workspace, context: str, entry: Evidence) -> Evidence:
    found = _NAMED.match(entry.source)
    if found is None or ":" in found["file"]:
        return entry
    for path in (found["file"], f"{context}/{found['file']}"):
        line = _line(workspace.read_text(path, _SEARCHED_BYTES) or "", found["key"].split()[-1])
        if line:
            return replace(entry, source=f"{found['key']} {found['word']} {found['file']}:{line}{found['rest']}")
    return entry


def _line(text: str, key: str) -> int | None:
    """The line where the last part of a dotted key stands, each part looked for after the one before it."""
    place, depth = 0, 0
    parts = [part for part in (key.split(".") if re.fullmatch(r"[\w.-]+", key) else [key]) if part][:_MOST_DEEP]
    for part in parts:
        word = re.escape(part)
        as_key = re.search(rf"['\"]{word}['\"]\s*:|^[ \t]*{word}\s*[:=]", text[place:], re.MULTILINE)
        found = as_key or re.search(rf"(?<![\w@/.-])['\"]?{word}['\"]?(?![\w/-])", text[place:], re.MULTILINE)
        if found is None:
            return None
        place, depth = place + found.end(), depth + 1
    return text.count("\n", 0, place) + 1 if depth and text else None
