"""Finds out whether a database's tables are those of the code, and has them made or updated where they are not."""

from __future__ import annotations

from sqlalchemy import inspect, text
from sqlalchemy.engine import URL, Connection

from database.engine import WRITING, file_of, open_engine, plain_words, prepare_file
from settings import ROOT


def migrate(url: URL) -> None:
    """Make the tables, or update them; a database that is up to date is left alone."""
    file = file_of(url)
    existed = prepare_file(file) if file else True
    engine = open_engine(url, foreign_keys=False)
    try:
        with plain_words(), engine.execution_options(**WRITING).connect() as connection:
            if current_revision(connection) != newest_revision():
                # Alembic costs a tenth of the server's memory and start-up, and is needed only here.
                from database.upgrade import upgrade

                connection.rollback()
                upgrade(connection, file if existed else None)
    finally:
        engine.dispose()


def current_revision(connection: Connection) -> str | None:
    """The revision that the database says it is at; None for one without our tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("select version_num from alembic_version")).scalar()
    return revision


def newest_revision() -> str:
    """The code's revision: migrations are numbered, and the number begins the file's name."""
    return max(file.name.partition("_")[0] for file in (ROOT / "migrations" / "versions").glob("[0-9]*_*.py"))
