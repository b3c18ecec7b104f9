"""What the pipeline needs of whoever keeps the books: an address for the app, and a place for the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from domain import Commit, Outcome, Plan


class Ledger(Protocol):
    """The books of one deployment."""

    async def host_port(self, *, instead_of: int | None = None, part: str = "") -> int:
        """The app's own host port, or that of a part with an address of its own; another one where Docker says that
        `instead_of` is taken."""

    async def generated(self, names: Sequence[str]) -> Mapping[str, str]:
        """Secret values made for this app: the same ones each time, new ones for names that are new."""

    async def planned(self, plan: Plan, commit: Commit) -> None:
        """Write down the commit and what the repository was found to be, before anything is made of it."""

    async def record(self, outcome: Outcome) -> None:
        """Write down that the release is live."""
