"""What the pipeline needs of whoever keeps the books: an address for the app, and a place for the result."""

from __future__ import annotations

from typing import Protocol

from domain import Outcome


class Ledger(Protocol):
    """The books of one deployment."""

    async def host_port(self, *, instead_of: int | None = None) -> int:
        """The app's own host port; another one where Docker says that `instead_of` is taken."""

    async def record(self, outcome: Outcome) -> None:
        """Write down that the release is live."""
