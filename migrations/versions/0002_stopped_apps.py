"""stopped apps, and what a release was made for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. A new NOT NULL column needs a server_default: tables have rows."""
    with op.batch_alter_table("deployment") as batch_op:
        batch_op.add_column(sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("release") as batch_op:
        batch_op.add_column(sa.Column("trigger", sa.String(length=16), server_default="deploy", nullable=False))


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("release") as batch_op:
        batch_op.drop_column("trigger")
    with op.batch_alter_table("deployment") as batch_op:
        batch_op.drop_column("stopped_at")
