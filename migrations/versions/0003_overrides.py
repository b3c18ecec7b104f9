"""overrides of an app and of each release, and the keys of requests that may be repeated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. A new NOT NULL column needs a server_default: tables have rows."""
    with op.batch_alter_table("deployment") as batch_op:
        batch_op.add_column(sa.Column("overrides", sa.JSON(none_as_null=True), nullable=True))
    with op.batch_alter_table("release") as batch_op:
        batch_op.add_column(sa.Column("overrides", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "idempotency_key",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_idempotency_key_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_key")),
    )
    with op.batch_alter_table("idempotency_key") as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_key_created_at"), ["created_at"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("idempotency_key") as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_key_created_at"))
    op.drop_table("idempotency_key")
    with op.batch_alter_table("release") as batch_op:
        batch_op.drop_column("overrides")
    with op.batch_alter_table("deployment") as batch_op:
        batch_op.drop_column("overrides")
