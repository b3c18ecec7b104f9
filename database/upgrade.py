"""Runs Alembic's migrations on a database, with a copy of an SQLite file kept first."""

from __future__ import annotations

import logging
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from database.engine import back_up
from database.models import now
from robust_error_handler import ButlerError, Code
from settings import ROOT

log = logging.getLogger(__name__)


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, from code: no ini file is needed, and the tables are those of the connection."""
    config = Config(attributes={"connection": connection} if connection is not None else {})
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    return config


def upgrade(connection: Connection, file: Path | None) -> None:
    """Bring the tables to the newest revision; `file` is an SQLite file to be copied first."""
    config = alembic_config(connection)
    scripts = ScriptDirectory.from_config(config)
    revision, head = MigrationContext.configure(connection).get_current_revision(), scripts.get_current_head()
    if revision == head:
        return
    _refuse_strangers(connection, revision, scripts)
    connection.rollback()
    if file and revision:
        copy = file.parent / "backups" / f"{file.stem}-{revision}-{now():%Y%m%dT%H%M%S}.db"
        back_up(file, copy)
        log.info("The database was copied to %s before its update", copy)
    with connection.begin():
        command.upgrade(config, "head")
        _check_references(connection)
    log.info("The database went from revision %s to %s", revision, head)


def _refuse_strangers(connection: Connection, revision: str | None, scripts: ScriptDirectory) -> None:
    if revision is None and set(inspect(connection).get_table_names()) - {"alembic_version"}:
        raise _refused(
            "The database has tables that are not the Butler's.",
            "Choose another BUTLER_DATABASE_URL or data directory.",
        )
    if revision is not None and revision not in {script.revision for script in scripts.walk_revisions()}:
        raise _refused(
            f"The database was made by a newer Butler (revision {revision}).",
            "Start that version, or put back the copy that was made before the update.",
        )


def _check_references(connection: Connection) -> None:
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise _refused("The update of the database would break references between its rows.", "It was not applied.")


def _refused(message: str, hint: str) -> ButlerError:
    return ButlerError(message, hint, Code.STORAGE, 503)
