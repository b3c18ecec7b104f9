"""What is asked about sessions: renewal tokens, each used once, and access tokens that ended early."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, delete, select, update

from database.models import RefreshToken, RevokedToken, now
from database.transactions import Transactions


class Tokens:
    """The session tables' questions. Tokens are known by their SHA-256 only."""

    def __init__(self, database: Transactions) -> None:
        self._database = database

    def start_family(self, user_id: int, *, family: str, token_sha256: str, expires_at: datetime) -> None:
        """Store the first renewal token of a log-in, and forget what has expired."""
        row = RefreshToken(user_id=user_id, family=family, token_sha256=token_sha256, expires_at=expires_at)
        with self._database.transaction() as session:
            _prune(session)
            session.add(row)

    def rotate(
        self, token_sha256: str, *, successor_sha256: str, expires_at: datetime
    ) -> tuple[RefreshToken | None, bool]:
        """Use a renewal token: its row, or None where it is not good, and whether somebody used it before.

        A good one is replaced by its successor. One that was used before ends its whole family: either the thief or
        the owner holds a copy, and nobody can tell which.
        """
        with self._database.transaction() as session:
            query = select(RefreshToken).where(RefreshToken.token_sha256 == token_sha256).with_for_update()
            row = session.exec(query).first()
            if row is None or row.revoked_at or row.expires_at <= now():
                return None, False
            if row.used_at:
                _revoke(session, row.family)
                session.commit()
                return row, True
            row.used_at = now()
            session.add(
                RefreshToken(
                    user_id=row.user_id, family=row.family, token_sha256=successor_sha256, expires_at=expires_at
                )
            )
        return row, False

    def end_family(self, family: str, *, access_until: datetime) -> None:
        """End one log-in: its renewal tokens, and its access tokens which would be good until then."""
        with self._database.transaction() as session:
            _revoke(session, family)
            if session.get(RevokedToken, family) is None:
                session.add(RevokedToken(jti=family, exp=access_until))

    def end_all(self, user_id: int) -> None:
        """End every renewal token of a user."""
        with self._database.transaction() as session:
            live = col(RefreshToken.revoked_at).is_(None)
            session.exec(
                update(RefreshToken).where(col(RefreshToken.user_id) == user_id, live).values(revoked_at=now())
            )

    def revoke(self, jti: str, *, exp: datetime) -> None:
        """End one access token before its time."""
        with self._database.transaction() as session:
            if session.get(RevokedToken, jti) is None:
                session.add(RevokedToken(jti=jti, exp=exp))

    def is_revoked(self, names: Collection[str]) -> bool:
        """Whether any of these tokens or families was ended."""
        with self._database.session() as session:
            return (
                session.exec(select(RevokedToken.jti).where(col(RevokedToken.jti).in_(list(names)))).first() is not None
            )

    def prune(self) -> None:
        """Forget everything that has expired."""
        with self._database.transaction() as session:
            _prune(session)


def _prune(session: Session) -> None:
    session.exec(delete(RefreshToken).where(col(RefreshToken.expires_at) < now()))
    session.exec(delete(RevokedToken).where(col(RevokedToken.exp) < now()))


def _revoke(session: Session, family: str) -> None:
    live = col(RefreshToken.revoked_at).is_(None)
    session.exec(update(RefreshToken).where(col(RefreshToken.family) == family, live).values(revoked_at=now()))
