"""Who somebody is: password hashes, access and renewal tokens, and the dependencies that routes ask for the user."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer
from jose import ExpiredSignatureError, JWTError, jwt
from passlib.context import CryptContext
from starlette.requests import Request

from database import Database, User
from rate_limits import RateLimits
from robust_error_handler import BadRequest, ButlerError, Code, Unauthorised
from robust_logging import attach
from secret_box import key_from_file
from settings import Settings

SIGNING_KEY_FILE = "signing-key"
ALGORITHM = "HS256"
CLOCK_LEEWAY_SECONDS = 5
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 1024
LONGEST_TOKEN = 4096
_LARGEST_ID = 2**63 - 1
_NOT_GOOD = "The access token is not valid."


@dataclass(frozen=True)
class Session:
    """A log-in that a request proved: the user, this access token, and the family that it shares with its renewals."""

    user: User
    token_id: str
    family: str
    expires_at: datetime


@dataclass(frozen=True)
class TokenPair:
    """What a client gets: an access token for minutes, and a renewal token that works once."""

    access_token: str
    refresh_token: str
    expires_in: int


@dataclass(frozen=True)
class Renewal:
    """What came of a renewal token; `reused_by` is the user whose used token somebody sent again."""

    user: User | None = None
    tokens: TokenPair | None = None
    reused_by: int | None = None


@dataclass(frozen=True)
class _Claims:
    user_id: int
    version: int
    token_id: str
    family: str
    expires_at: datetime


class Auth:
    """Hashes and tokens of one Butler. Everything is synchronous, and hashing takes a good part of a second."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.limits = RateLimits(settings)
        self._database = database
        self._key = signing_key(settings)
        self._audience = f"devops-butler:{settings.instance}"
        self._token_life = timedelta(minutes=settings.token_minutes)
        self._renewal_life = timedelta(days=settings.refresh_days)
        # bcrypt alone reads only 72 bytes of a password; bcrypt_sha256 reads all of them.
        self._hashes = CryptContext(
            schemes=["bcrypt_sha256", "bcrypt"],
            deprecated=["bcrypt"],
            bcrypt_sha256__rounds=settings.bcrypt_rounds,
            bcrypt__rounds=settings.bcrypt_rounds,
        )
        self._nobodys_hash = self._hash_that_nothing_matches(settings.bcrypt_rounds)

    def hash_password(self, password: str) -> str:
        """The hash of a new password; refuses one that is too short, too long or not text."""
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise BadRequest(
                f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.", "Choose one of such a length."
            )
        if not _can_be_hashed(password):
            raise BadRequest("The password has a character that cannot be used.", "Leave out the NUL character.")
        return self._hashes.hash(password)

    def user_with(self, login: str, password: str) -> User | None:
        """The user with this name or e-mail address and this password; one duration for every kind of mistake."""
        user = self._database.users.by_login(login)
        return user if self.check_password(user, password) else None

    def check_password(self, user: User | None, password: str) -> bool:
        """Whether this is the user's password; takes equally long where there is no such user or no such hash."""
        if not _can_be_hashed(password) or len(password) > LONGEST_PASSWORD:
            return False
        known = user is not None and self._hashes.identify(user.hashed_password) is not None
        stored = user.hashed_password if user is not None and known else self._nobodys_hash
        try:
            matches, better_hash = self._hashes.verify_and_update(password, stored)
        except ValueError:  # a stored hash that is cut short
            return False
        if user is None or not known or not matches or not user.is_active:
            return False
        if better_hash:
            self._database.users.improve_hash(user.id, better_hash)
        return True

    def start_session(self, user: User) -> TokenPair:
        """The tokens of a new log-in."""
        family, renewal = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
        self._database.tokens.start_family(
            user.id, family=family, token_sha256=_sha256(renewal), expires_at=_now() + self._renewal_life
        )
        return self._pair(user, family, renewal)

    def renew(self, refresh_token: str) -> Renewal:
        """New tokens for a renewal token. One that was used before ends the whole log-in: somebody stole a copy."""
        successor = secrets.token_urlsafe(32)
        row, reused = self._database.tokens.rotate(
            _sha256(refresh_token), successor_sha256=_sha256(successor), expires_at=_now() + self._renewal_life
        )
        if row is None:
            return Renewal()
        if reused:
            self._database.tokens.end_family(row.family, access_until=_now() + self._longest_access)
            return Renewal(reused_by=row.user_id)
        user = self._database.users.by_id(row.user_id)
        if user is None or not user.is_active:
            return Renewal()
        return Renewal(user, self._pair(user, row.family, successor))

    def authenticate(self, token: str | None) -> Session:
        """The session that an access token proves; raises Unauthorised where it proves none (any more)."""
        if not token:
            raise Unauthorised("Nobody is logged in.", "Log in and send the token as `Authorization: Bearer <token>`.")
        claims = self._claims(token)
        user = self._database.users.by_id(claims.user_id)
        if user is None or not user.is_active or user.token_version != claims.version:
            raise Unauthorised(_NOT_GOOD)
        if self._database.tokens.is_revoked((claims.token_id, claims.family)):
            raise Unauthorised("This session was ended.")
        return Session(user, claims.token_id, claims.family, claims.expires_at)

    def end_session(self, session: Session) -> None:
        """Log out: this log-in's access and renewal tokens stop working at once."""
        self._database.tokens.end_family(session.family, access_until=_now() + self._longest_access)

    def end_all_sessions(self, user: User) -> User:
        """Log out everywhere."""
        self._database.tokens.end_all(user.id)
        return self._database.users.end_sessions(user.id)

    def change_password(self, user: User, new_password: str) -> User:
        """Store a new password and end every session of the user."""
        changed = self._database.users.change_password(user.id, self.hash_password(new_password))
        self._database.tokens.end_all(user.id)
        return changed

    @property
    def _longest_access(self) -> timedelta:
        return self._token_life + timedelta(seconds=CLOCK_LEEWAY_SECONDS)

    def _pair(self, user: User, family: str, renewal: str) -> TokenPair:
        issued = _now()
        claims = {
            "sub": str(user.id),
            "aud": self._audience,
            "jti": secrets.token_urlsafe(16),
            "fam": family,
            "ver": user.token_version,
            "iat": int(issued.timestamp()),
            "exp": int((issued + self._token_life).timestamp()),
        }
        access = jwt.encode(claims, self._key, algorithm=ALGORITHM)
        return TokenPair(access, renewal, int(self._token_life.total_seconds()))

    def _claims(self, token: str) -> _Claims:
        required = {f"require_{claim}": True for claim in ("exp", "iat", "sub", "jti", "aud")}
        try:
            if len(token) > LONGEST_TOKEN or not token.isascii():
                raise JWTError("not a token of ours")
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],  # without this, python-jose takes whichever the token names
                audience=self._audience,
                options={**required, "leeway": CLOCK_LEEWAY_SECONDS},
            )
            return _read_claims(claims, self._audience)
        except ExpiredSignatureError as error:
            raise Unauthorised("The session has expired.", "Renew it, or log in again.") from error
        # Odd claims reach python-jose's arithmetic: `exp: [1]`, an infinite `exp`, a payload that is no object.
        except (JWTError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise Unauthorised(_NOT_GOOD) from error

    def _hash_that_nothing_matches(self, rounds: int) -> str:
        # A cheap hash of a random password that claims the real cost: checking against it takes the usual time,
        # and no second of the start-up is spent on making it.
        cheap = self._hashes.handler("bcrypt_sha256").using(rounds=4).hash(secrets.token_urlsafe(32))
        return str(cheap).replace(",r=4$", f",r={rounds}$")


def signing_key(settings: Settings) -> str:
    """The key that signs tokens: the setting, or one made once in the data directory; never a default."""
    given = settings.secret_key.get_secret_value() if settings.secret_key else None
    key = given or key_from_file(settings.data_dir / SIGNING_KEY_FILE, lambda: secrets.token_hex(32))
    if len(key) < 32 or len(set(key)) < 8:
        where = "BUTLER_SECRET_KEY" if given else str(settings.data_dir / SIGNING_KEY_FILE)
        raise ButlerError(
            f"The signing key in {where} is too easy to guess.",
            "Use at least 32 random characters, or remove it to have one made (everybody has to log in again then).",
            Code.INTERNAL,
        )
    return key


_bearer = OAuth2PasswordBearer(tokenUrl="/api/auth/login", auto_error=False)


async def current_session(request: Request, token: Annotated[str | None, Depends(_bearer)]) -> Session:
    """The session of whoever sent the request; log lines of the request name the user from here on."""
    auth: Auth = request.app.state.auth
    session = await asyncio.to_thread(auth.authenticate, token)
    attach(user=session.user.id)
    return session


CurrentSession = Annotated[Session, Depends(current_session)]


async def current_user(session: CurrentSession) -> User:
    """Whoever sent the request."""
    return session.user


CurrentUser = Annotated[User, Depends(current_user)]


def _read_claims(claims: dict[str, Any], audience: str) -> _Claims:
    subject, family = claims["sub"], claims["fam"]
    if claims["aud"] != audience or type(claims["exp"]) is not int or type(claims["ver"]) is not int:
        raise JWTError("odd claims")
    if not (isinstance(subject, str) and subject.isdecimal() and isinstance(family, str) and len(subject) < 20):
        raise JWTError("odd claims")
    if not 0 < int(subject) <= _LARGEST_ID:
        raise JWTError("odd subject")
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    return _Claims(int(subject), claims["ver"], str(claims["jti"]), family, expires_at)


def _can_be_hashed(password: str) -> bool:
    return "\0" not in password and not any("\ud800" <= character <= "\udfff" for character in password)


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC)
