"""first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. A new NOT NULL column needs a server_default: tables have rows."""
    _make_port_reservation()
    _make_revoked_token()
    _make_user()
    _make_deployment()
    _make_refresh_token()
    _make_release()


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("release") as batch_op:
        batch_op.drop_index(batch_op.f("ix_release_status"))
        batch_op.drop_index(batch_op.f("ix_release_deployment_id"))

    op.drop_table("release")
    with op.batch_alter_table("refresh_token") as batch_op:
        batch_op.drop_index(batch_op.f("ix_refresh_token_user_id"))
        batch_op.drop_index(batch_op.f("ix_refresh_token_family"))
        batch_op.drop_index(batch_op.f("ix_refresh_token_expires_at"))

    op.drop_table("refresh_token")
    with op.batch_alter_table("deployment") as batch_op:
        batch_op.drop_index(batch_op.f("ix_deployment_user_id"))
        batch_op.drop_index(batch_op.f("ix_deployment_status"))
        batch_op.drop_index(batch_op.f("ix_deployment_container_name"))

    op.drop_table("deployment")
    op.drop_table("user")
    with op.batch_alter_table("revoked_token") as batch_op:
        batch_op.drop_index(batch_op.f("ix_revoked_token_exp"))

    op.drop_table("revoked_token")
    with op.batch_alter_table("port_reservation") as batch_op:
        batch_op.drop_index(batch_op.f("ix_port_reservation_container_name"))

    op.drop_table("port_reservation")


def _make_port_reservation() -> None:
    op.create_table(
        "port_reservation",
        sa.Column("host_port", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("container_name", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("host_port", name=op.f("pk_port_reservation")),
    )
    with op.batch_alter_table("port_reservation") as batch_op:
        batch_op.create_index(batch_op.f("ix_port_reservation_container_name"), ["container_name"], unique=False)


def _make_revoked_token() -> None:
    op.create_table(
        "revoked_token",
        sa.Column("jti", sa.String(length=64), nullable=False),
        sa.Column("exp", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_revoked_token")),
    )
    with op.batch_alter_table("revoked_token") as batch_op:
        batch_op.create_index(batch_op.f("ix_revoked_token_exp"), ["exp"], unique=False)


def _make_user() -> None:
    op.create_table(
        "user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("username_folded", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("hashed_password", sa.String(length=255), nullable=False),
        sa.Column("auth_provider", sa.String(length=32), server_default="local", nullable=False),
        sa.Column("github_access_token", sa.String(), nullable=True),
        sa.Column("github_token_added_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("token_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
        sa.UniqueConstraint("username", name=op.f("uq_user_username")),
        sa.UniqueConstraint("username_folded", name=op.f("uq_user_username_folded")),
        sqlite_autoincrement=True,
    )


def _make_deployment() -> None:
    op.create_table(
        "deployment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("container_name", sa.String(length=128), nullable=False),
        sa.Column("git_url", sa.String(length=2048), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("deployed_url", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(length=32), nullable=False),
        sa.Column("branch", sa.String(), nullable=True),
        sa.Column("subdirectory", sa.String(), nullable=True),
        sa.Column("strategy", sa.String(), nullable=True),
        sa.Column("framework", sa.String(), nullable=True),
        sa.Column("container_port", sa.Integer(), nullable=True),
        sa.Column("host_port", sa.Integer(), nullable=True),
        sa.Column("commit_sha", sa.String(), nullable=True),
        sa.Column("commit_subject", sa.String(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("error_hint", sa.String(), nullable=True),
        sa.Column("trace_id", sa.String(), server_default="", nullable=False),
        sa.Column("current_release_id", sa.Integer(), nullable=True),
        sa.Column("latest_release_id", sa.Integer(), nullable=True),
        sa.Column("backend_env", sa.String(), nullable=True),
        sa.Column("frontend_env", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_deployment_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("deployment") as batch_op:
        batch_op.create_index(batch_op.f("ix_deployment_container_name"), ["container_name"], unique=True)
        batch_op.create_index(batch_op.f("ix_deployment_status"), ["status"], unique=False)
        batch_op.create_index(batch_op.f("ix_deployment_user_id"), ["user_id"], unique=False)


def _make_refresh_token() -> None:
    op.create_table(
        "refresh_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("family", sa.String(length=64), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_refresh_token_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_token")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_refresh_token_token_sha256")),
    )
    with op.batch_alter_table("refresh_token") as batch_op:
        batch_op.create_index(batch_op.f("ix_refresh_token_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_refresh_token_family"), ["family"], unique=False)
        batch_op.create_index(batch_op.f("ix_refresh_token_user_id"), ["user_id"], unique=False)


def _make_release() -> None:
    op.create_table(
        "release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("phase", sa.String(length=32), nullable=False),
        sa.Column("trace_id", sa.String(), server_default="", nullable=False),
        sa.Column("git_url", sa.String(length=2048), nullable=False),
        sa.Column("branch", sa.String(), nullable=True),
        sa.Column("subdirectory", sa.String(), nullable=True),
        sa.Column("commit_sha", sa.String(), nullable=True),
        sa.Column("commit_subject", sa.String(), nullable=True),
        sa.Column("commit_author", sa.String(), nullable=True),
        sa.Column("image_id", sa.String(), nullable=True),
        sa.Column("image_tag", sa.String(), nullable=True),
        sa.Column("image_reused", sa.Boolean(), nullable=True),
        sa.Column("plan", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("steps", sa.JSON(none_as_null=True), server_default="[]", nullable=False),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("error_hint", sa.String(), nullable=True),
        sa.Column("error_lines", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("backend_env", sa.String(), nullable=True),
        sa.Column("frontend_env", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployment.id"], name=op.f("fk_release_deployment_id_deployment"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
        sa.UniqueConstraint("deployment_id", "number", name="uq_release_deployment_id_number"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("release") as batch_op:
        batch_op.create_index(batch_op.f("ix_release_deployment_id"), ["deployment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_release_status"), ["status"], unique=False)
