"""Alembic's entry: runs the migrations on the connection that the Butler hands over, or on the configured database."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

import database.models  # noqa: F401  the tables register themselves
from database.engine import WRITING, open_engine, read_address
from settings import Settings


def plainly(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """Write a column's type without our own classes: a migration must keep its meaning when they change."""
    if kind == "type" and isinstance(item, sa.types.TypeDecorator):
        plain = item.impl_instance
        return "sa.DateTime(timezone=True)" if isinstance(plain, sa.DateTime) else f"sa.{plain!r}"
    return False


def run(connection: Connection) -> None:
    """Run what was asked for. Batch mode is how SQLite alters a table: it makes a new one and copies."""
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=True,
        transactional_ddl=True,
        render_item=plainly,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = open_engine(read_address(Settings().database_address), foreign_keys=False)
    with engine.execution_options(**WRITING).begin() as connection:
        run(connection)
