"""How the database is reached: SQLite's settings, its file's safety, and database errors in plain words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from robust_error_handler import ButlerError, Code

BUSY_TIMEOUT_MS = 5000
POOL_SIZE = 10
POOL_OVERFLOW = 40
WRITING = {"butler_writes": True}
"""Execution options of a connection whose transactions write: they take SQLite's write lock at once."""


def read_address(address: str) -> URL:
    """The database's address, checked."""
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise _storage("The database address cannot be read.", "Correct BUTLER_DATABASE_URL, or unset it.") from error
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise _storage("SQLite needs a file.", "Write BUTLER_DATABASE_URL as sqlite:////path/to/deployments.db.")
    return url


def file_of(url: URL) -> Path | None:
    """The file of an SQLite database; None for a database server."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def open_engine(url: URL, *, foreign_keys: bool = True) -> Engine:
    """An engine for the address. Foreign keys are off only while a migration rebuilds tables."""
    try:
        engine = create_engine(url, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW)
    except (ImportError, ArgumentError) as error:
        raise _storage(
            f"There is no driver for {url.drivername} databases.", "Install it, or change or unset BUTLER_DATABASE_URL."
        ) from error
    if url.get_backend_name() == "sqlite":
        _tune_sqlite(engine, foreign_keys=foreign_keys)
    return engine


def prepare_file(file: Path) -> bool:
    """Make the file readable by its owner alone and refuse a damaged one; says whether it held anything before."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        os.close(descriptor)
        if file.stat().st_mode & 0o077:
            file.chmod(0o600)
    except OSError as error:
        raise _storage(
            f"The database {file} cannot be opened for writing: {error.strerror}.",
            "Let the Butler's user write to this file and its folder, or choose another BUTLER_DATA_DIR.",
        ) from error
    if not file.stat().st_size:
        return False
    _refuse_damage(file)
    return True


def back_up(file: Path, copy: Path) -> None:
    """Copy a database, whole and consistent even while it is in use, for its owner alone."""
    copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


@contextmanager
def plain_words() -> Iterator[None]:
    """Turn what a database says when it cannot work into an error that tells what to do (503)."""
    try:
        yield
    except PoolTimeout as error:
        raise _storage("The database has too much to do.", "Try again in a moment.") from error
    except DatabaseError as error:
        if type(error) not in (DatabaseError, OperationalError):
            raise
        raise _explained(str(error.orig)) from error


def is_locked(error: OperationalError) -> bool:
    """Whether somebody else holds SQLite's write lock."""
    return "locked" in str(error.orig)


def _explained(said: str) -> ButlerError:
    if "locked" in said:
        return _storage("The database is held by another program.", "Try again in a moment.")
    if "full" in said:
        return _storage("The storage is full.", "Free disk space on the server, then try again.")
    if "readonly" in said or "unable to open" in said:
        return _storage("The database cannot be written.", "Let the Butler's user write to the file and its folder.")
    if "malformed" in said or "not a database" in said:
        return _storage("The database is damaged.", "Stop the Butler and put a backup of the database back.")
    if "no such table" in said or "no such column" in said:
        return _storage("The database is not up to date.", "Restart the Butler: it updates the database at its start.")
    return _storage("The database does not answer.", "See that it runs and that BUTLER_DATABASE_URL is right.")


def _storage(message: str, hint: str) -> ButlerError:
    return ButlerError(message, hint, Code.STORAGE, 503)


def _refuse_damage(file: Path) -> None:
    try:
        with closing(sqlite3.connect(file)) as connection:
            findings = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.OperationalError as error:
        raise _explained(str(error)) from error
    except sqlite3.DatabaseError as error:
        findings = [str(error)]
    if findings != ["ok"]:
        backups = file.parent / "backups"
        raise _storage(
            f"The database {file} is damaged: {findings[0]}.",
            f"Stop the Butler, put a backup of it back (copies are in {backups}, if any were made) and start again."
            " Nothing was changed.",
        ).with_lines(findings)


def _tune_sqlite(engine: Engine, *, foreign_keys: bool) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        # The driver's own transactions start reading and fail when they come to write; ours are begun by hand below.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("butler_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
