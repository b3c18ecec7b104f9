"""Makes a new database's tables, and has those of an older one updated; both end at the same tables."""

from __future__ import annotations

from sqlalchemy import Column, MetaData, PrimaryKeyConstraint, String, Table, insert, inspect, text
from sqlalchemy.engine import URL, Connection
from sqlmodel import SQLModel

import database.models  # noqa: F401  the tables register themselves
from database.engine import WRITING, file_of, open_engine, plain_words, prepare_file
from settings import ROOT


def migrate(url: URL) -> None:
    """Make the tables, or update them; a database that is up to date is left alone."""
    file = file_of(url)
    existed = prepare_file(file) if file else True
    engine = open_engine(url, foreign_keys=False)
    try:
        with plain_words(), engine.execution_options(**WRITING).connect() as connection:
            if not inspect(connection).get_table_names():
                make(connection)
            elif current_revision(connection) != newest_revision():
                # Alembic costs a tenth of the server's memory and start-up, and is needed only here.
                from database.upgrade import upgrade

                connection.rollback()
                upgrade(connection, file if existed else None)
    finally:
        engine.dispose()


def make(connection: Connection) -> None:
    """Make all tables of a new database at once, and write down that they are those of the newest revision.

    Alembic's documentation calls this "Building an Up to Date Database from Scratch".
    """
    SQLModel.metadata.create_all(connection)
    revisions = Table(
        "alembic_version",
        MetaData(),
        Column("version_num", String(32), nullable=False),
        PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
    )
    revisions.create(connection)
    connection.execute(insert(revisions).values(version_num=newest_revision()))
    connection.commit()


def current_revision(connection: Connection) -> str | None:
    """The revision that the database says it is at; None for one without our tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("select version_num from alembic_version")).scalar()
    return revision


def newest_revision() -> str:
    """The code's revision: migrations are numbered, and the number begins the file's name."""
    return max(file.name.partition("_")[0] for file in (ROOT / "migrations" / "versions").glob("[0-9]*_*.py"))
