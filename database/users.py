"""What is asked about users."""

from __future__ import annotations

import unicodedata

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, func, or_, select

from database.models import User, now
from database.transactions import Transactions
from domain import Secret
from robust_error_handler import Conflict, NotFound
from secret_box import SecretBox


def fold(text: str) -> str:
    """The form in which names and e-mail addresses are compared: look-alikes of one name are one name."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


class Users:
    """The user table's questions."""

    def __init__(self, database: Transactions, box: SecretBox) -> None:
        self._database = database
        self._box = box

    def create(self, username: str, *, email: str, hashed_password: str) -> User:
        """A new user. Whether the name or the address was taken is not said."""
        user = User(
            username=username, username_folded=fold(username), email=fold(email), hashed_password=hashed_password
        )
        try:
            with self._database.transaction() as session:
                session.add(user)
        except IntegrityError as error:
            raise Conflict(
                "This user name or e-mail address is already in use.", "Choose another, or log in if it is yours."
            ) from error
        return user

    def by_login(self, login: str) -> User | None:
        """The user with this name or e-mail address."""
        folded = fold(login)
        with self._database.session() as session:
            return session.exec(
                select(User).where(or_(col(User.username_folded) == folded, col(User.email) == folded))
            ).first()

    def by_id(self, user_id: int) -> User | None:
        """The user with this number."""
        with self._database.session() as session:
            return session.get(User, user_id)

    def count(self) -> int:
        """How many users there are."""
        with self._database.session() as session:
            return session.exec(select(func.count()).select_from(User)).one()

    def improve_hash(self, user_id: int, hashed_password: str) -> None:
        """Store a stronger hash of the same password; sessions go on."""
        with self._database.transaction() as session:
            _existing(session.get(User, user_id)).hashed_password = hashed_password

    def change_password(self, user_id: int, hashed_password: str) -> User:
        """Store a new password's hash and end every session."""
        with self._database.transaction() as session:
            user = _existing(session.get(User, user_id))
            user.hashed_password = hashed_password
            user.token_version += 1
        return user

    def end_sessions(self, user_id: int) -> User:
        """Make all access tokens of a user worthless."""
        with self._database.transaction() as session:
            user = _existing(session.get(User, user_id))
            user.token_version += 1
        return user

    def set_active(self, user_id: int, active: bool) -> User:
        """Open or close an account."""
        with self._database.transaction() as session:
            user = _existing(session.get(User, user_id))
            user.is_active = active
        return user

    def set_github_token(self, user_id: int, token: Secret | None) -> User:
        """Store a GitHub token, encrypted, or forget it."""
        with self._database.transaction() as session:
            user = _existing(session.get(User, user_id))
            user.github_access_token = self._box.seal(token.reveal()) if token else None
            user.github_token_added_at = now() if token else None
        return user

    def github_token(self, user_id: int) -> Secret | None:
        """A user's GitHub token in the clear, for the one call that needs it."""
        user = self.by_id(user_id)
        return Secret(self._box.unseal(user.github_access_token)) if user and user.github_access_token else None


def _existing(user: User | None) -> User:
    if user is None:
        raise NotFound("This user does not exist any more.")
    return user
