"""Cuts a Dockerfile down to the stages that its target needs, so that no image is looked for that nothing uses."""

from __future__ import annotations

import re
from dataclasses import dataclass

import dockerfile_text

_FROM_OTHER = re.compile(r"(?:--from=|[,=]from=)([^\s,]+)", re.IGNORECASE)


@dataclass(frozen=True)
class _Block:
    """A stage's lines, the name it gives itself, and the names that it builds on or copies from."""

    text: str
    name: str
    uses: frozenset[str]


def for_target(text: str, target: str | None) -> str | None:
    """The Dockerfile that builds the target (the last stage where none is named); None without such a stage."""
    head, blocks = _blocks(text)
    wanted = len(blocks) - 1 if not target else _index(blocks, target)
    if not blocks or wanted is None:
        return None if target else text
    needed = {wanted}
    for index in range(wanted, -1, -1):
        if index in needed:
            uses = blocks[index].uses
            if any(_is_ambiguous(name) for name in uses):
                needed = set(range(wanted + 1))  # a number or a variable: all stages keep their places
                break
            needed |= {other for name in uses if (other := _index(blocks[:index], name)) is not None}
    return head + "".join(blocks[index].text for index in sorted(needed))


def _blocks(text: str) -> tuple[str, list[_Block]]:
    """What stands before the first stage, and the stages."""
    lines = text.splitlines(keepends=True)
    starts = [line for line in dockerfile_text.split(text).instructions if line.name == "FROM"]
    ends = [start.first_line - 1 for start in starts[1:]] + [len(lines)]
    if not starts:
        return text, []
    blocks = []
    for start, end in zip(starts, ends, strict=True):
        block = "".join(lines[start.first_line - 1 : end])
        words = start.value.split()
        name = words[2].lower() if len(words) == 3 and words[1].lower() == "as" else ""
        blocks.append(_Block(block, name, frozenset({words[0].lower() if words else "", *_others(block)})))
    return "".join(lines[: starts[0].first_line - 1]), blocks


def _others(block: str) -> list[str]:
    return [name.strip("\"'").lower() for name in _FROM_OTHER.findall(block)]


def _is_ambiguous(name: str) -> bool:
    """Whether a name may be a stage's by number or by variable; what has a tag or a path is an image."""
    return name.isdigit() or ("$" in name and not re.search(r"[:/](?![-+?])", name))


def _index(blocks: list[_Block], name: str) -> int | None:
    """The stage of a name (the last of that name, as BuildKit takes it) or of a number."""
    for index in range(len(blocks) - 1, -1, -1):
        if blocks[index].name and blocks[index].name == name.lower():
            return index
    return int(name) if name.isascii() and name.isdigit() and int(name) < len(blocks) else None
