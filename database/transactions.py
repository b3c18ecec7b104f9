"""Units of work on the database: a session that reads, and a transaction that keeps all or nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from database.engine import WRITING, is_locked, open_engine, plain_words

PATIENCE_SECONDS = 120.0
"""How long a write that must not get lost (a status) waits for a database that somebody else holds."""


class Transactions:
    """One database's pooled connections, safe to use from many threads."""

    def __init__(self, url: URL) -> None:
        self._engine = open_engine(url)
        self._writer = self._engine.execution_options(**WRITING)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session for reading; whatever it changes is not kept."""
        with plain_words(), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def transaction(self, patience_seconds: float = 0) -> Iterator[Session]:
        """A session that writes: all of it is kept at the end, or nothing where an error leaves the block.

        On SQLite writers follow one another from the first statement on, so what is read here cannot change before it
        is written. With patience, the write lock is waited for longer than usual: for what must not get lost.
        """
        with plain_words(), Session(self._writer, expire_on_commit=False) as session:
            _begin(session, time.monotonic() + patience_seconds)
            yield session
            session.commit()

    def version(self) -> str:
        """What the database is, such as `SQLite 3.40.1`; raises when it does not answer."""
        with self.session() as session:
            query = "select sqlite_version()" if self._engine.dialect.name == "sqlite" else "show server_version"
            name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(self._engine.dialect.name, "")
            return f"{name} {session.connection().execute(text(query)).scalar_one()}".strip()

    def close(self) -> None:
        """Close the pooled connections."""
        self._engine.dispose()


def _begin(session: Session, deadline: float) -> None:
    while True:
        try:
            session.connection()
            return
        except OperationalError as error:
            session.rollback()
            if not is_locked(error) or time.monotonic() >= deadline:
                raise
