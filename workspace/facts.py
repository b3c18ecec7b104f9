"""What a fact about a repository is: a value, and where it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain import Evidence


@dataclass(frozen=True)
class Fact:
    """A value and its source, such as `Fact("22", "engines.node in package.json")`."""

    value: str
    source: str

    def evidence(self, field: str) -> Evidence:
        """This fact as the reason for a plan's field."""
        return Evidence(field, self.value, self.source)


def text_table(value: Any) -> dict[str, str]:
    """The text values of what should be a mapping; anything else in a repository's file is as good as absent."""
    if not isinstance(value, Mapping):
        return {}
    return {key: entry for key, entry in value.items() if isinstance(key, str) and isinstance(entry, str)}


def table(value: Any) -> Mapping[str, Any]:
    """What should be a mapping, or an empty one."""
    return value if isinstance(value, Mapping) else {}
