"""What is asked about the keys of requests: which release somebody asked for with one, for a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete

from database.models import IdempotencyKey, now
from database.transactions import Transactions
from robust_error_handler import BadRequest, Code, Conflict
from secret_box import SecretBox

KEPT = timedelta(hours=24)


@dataclass(frozen=True)
class RequestKey:
    """The key of one request: whose it is, and all that was asked for with it, as one text."""

    user_id: int
    text: str
    content: str = field(repr=False)


class Keys:
    """The key table's questions. A key counts for a day and is then as good as never used."""

    def __init__(self, database: Transactions, box: SecretBox) -> None:
        self._database = database
        self._box = box

    def release_of(self, key: RequestKey) -> int | None:
        """The id of the release that the user's key stands for; it may be gone. None for a key that is new.

        Raises BadRequest (IDEMPOTENCY_KEY_REUSED) where something else was asked for with it.
        """
        with self._database.session() as session:
            row = session.get(IdempotencyKey, (key.user_id, key.text))
        if row is None or row.created_at <= now() - KEPT:
            return None
        if row.content_sha256 != self._box.digest(key.content):
            raise BadRequest(
                "This Idempotency-Key was used for another request.",
                "Send a new key with what is new; the same one only with the very same request.",
                Code.IDEMPOTENCY_KEY_REUSED,
            )
        return row.release_id

    def keep(self, key: RequestKey, release_id: int) -> None:
        """Let a key stand for a release that is there already. Raises Conflict where it stands for another."""
        with self._database.transaction() as session:
            keep_key(session, self._box, key, release_id)

    def sweep(self) -> None:
        """Forget the keys whose day is over."""
        with self._database.transaction() as session:
            _sweep(session)


def keep_key(session: Session, box: SecretBox, key: RequestKey, release_id: int) -> None:
    """Let a key stand for a release, within somebody's transaction, and forget those whose day is over."""
    _sweep(session)
    digest = box.digest(key.content)
    session.add(IdempotencyKey(user_id=key.user_id, key=key.text, content_sha256=digest, release_id=release_id))
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict("This Idempotency-Key was used a moment ago.", "Send the request again.") from error


def _sweep(session: Session) -> None:
    session.exec(delete(IdempotencyKey).where(col(IdempotencyKey.created_at) <= now() - KEPT))
