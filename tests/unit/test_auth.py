"""Hashes and tokens: what is accepted, what is not, and where the keys come from."""

from __future__ import annotations

import base64
import json
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from jose import jwt
from passlib.hash import bcrypt, bcrypt_sha256
from pydantic import SecretStr, ValidationError
from starlette.requests import HTTPConnection

from auth import SIGNING_KEY_FILE, Auth, signing_key
from database import Database, User
from rate_limits import RateLimits, peer_of
from robust_error_handler import BadRequest, ButlerError, RateLimited, Unauthorised
from settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path / "data", bcrypt_rounds=4)


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    database = Database(settings)
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def auth(settings: Settings, db: Database) -> Auth:
    return Auth(settings, db)


@pytest.fixture
def alice(auth: Auth, db: Database) -> User:
    return db.users.create("alice", email="a@example.org", hashed_password=auth.hash_password("correct horse"))


@pytest.fixture
def key(settings: Settings, auth: Auth) -> str:
    return (settings.data_dir / SIGNING_KEY_FILE).read_text().strip()


@pytest.fixture
def claims(auth: Auth, alice: User) -> dict[str, Any]:
    """What a real token says."""
    return dict(jwt.get_unverified_claims(auth.start_session(alice).access_token))


def forged(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


# --- tokens


def test_a_token_proves_its_session_for_thirty_minutes(auth: Auth, alice: User, claims: dict[str, Any]) -> None:
    session = auth.authenticate(auth.start_session(alice).access_token)
    assert session.user.id == alice.id
    left = session.expires_at - datetime.now(UTC)
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    assert set(claims) == {"sub", "aud", "jti", "fam", "ver", "iat", "exp"}


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", "", "HS256", "HS1", None])
def test_a_token_without_a_signature_is_refused(auth: Auth, claims: dict[str, Any], algorithm: str | None) -> None:
    with pytest.raises(Unauthorised):
        auth.authenticate(forged({"alg": algorithm, "typ": "JWT"}, claims))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_is_refused_even_with_the_right_key(
    auth: Auth, claims: dict[str, Any], key: str, algorithm: str
) -> None:
    with pytest.raises(Unauthorised):
        auth.authenticate(jwt.encode(claims, key, algorithm=algorithm))
    auth.authenticate(jwt.encode(claims, key, algorithm="HS256"))


@pytest.mark.parametrize("guess", ["secret", "x" * 32, "your-secret-key-change-in-production", ""])
def test_a_token_signed_with_a_guessed_key_is_refused(auth: Auth, claims: dict[str, Any], guess: str) -> None:
    with pytest.raises(Unauthorised):
        auth.authenticate(jwt.encode(claims, guess, algorithm="HS256"))


@pytest.mark.parametrize("missing", ["sub", "aud", "jti", "fam", "ver", "iat", "exp"])
def test_a_token_that_lacks_a_claim_is_refused(auth: Auth, claims: dict[str, Any], key: str, missing: str) -> None:
    del claims[missing]
    with pytest.raises(Unauthorised):
        auth.authenticate(jwt.encode(claims, key, algorithm="HS256"))


NEVER = [None, True, [1], {"a": 1}, "", "x", -1, 0, 0.5, 10**30]


@pytest.mark.parametrize(
    ("claim", "value"),
    [(claim, value) for claim in ("exp", "sub", "aud") for value in NEVER]
    + [("ver", value) for value in NEVER if value is True or value != 0]  # 0 is the right version
    + [
        ("exp", float("inf")),
        ("exp", float("nan")),
        ("exp", 1e308),
        pytest.param("exp", time.time() + 60.5, id="exp-fraction"),
    ]
    + [("sub", "0"), ("sub", "-1"), ("sub", "1.0"), ("sub", "9" * 30), ("sub", "²"), ("sub", 1), ("sub", "999999")]
    + [("aud", ["devops-butler"]), ("ver", 1), ("ver", "0"), ("ver", False), ("fam", None), ("fam", ["x"]), ("fam", 1)]
    + [("iat", "yesterday"), ("iat", None), ("jti", None), ("jti", [1]), ("nbf", 2**40), ("nbf", "x")],
)
def test_a_token_with_an_odd_claim_is_refused_in_an_orderly_way(
    auth: Auth, claims: dict[str, Any], key: str, claim: str, value: Any
) -> None:
    with pytest.raises(Unauthorised):
        auth.authenticate(signed({**claims, claim: value}, key))


def signed(claims: dict[str, Any], key: str) -> str:
    """A token with any payload at all: the library's own encoder refuses some."""
    from jose.backends import HMACKey

    body = forged({"alg": "HS256", "typ": "JWT"}, claims).rpartition(".")[0]
    signature = HMACKey(key, "HS256").sign(body.encode())
    return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_a_token_for_somebody_elses_butler_is_refused(
    auth: Auth, alice: User, key: str, tmp_path: Path, db: Database
) -> None:
    other = Settings(_env_file=None, data_dir=tmp_path / "other", bcrypt_rounds=4, secret_key=SecretStr(key))
    with pytest.raises(Unauthorised):
        Auth(other, db).authenticate(auth.start_session(alice).access_token)


def test_an_expired_token_is_refused_and_says_so(auth: Auth, claims: dict[str, Any], key: str) -> None:
    claims["exp"] = int(time.time()) - 10
    with pytest.raises(Unauthorised, match="expired"):
        auth.authenticate(jwt.encode(claims, key, algorithm="HS256"))


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda noise: base64.b64encode(noise).decode())))
@examples(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
def test_noise_is_never_a_token(auth: Auth, noise: str) -> None:
    for token in (noise, f"{noise}.{noise}.{noise}", f"a.{noise}.b"):
        with pytest.raises(Unauthorised):
            auth.authenticate(token)


def test_an_enormous_token_is_not_even_read(auth: Auth) -> None:
    with pytest.raises(Unauthorised):
        auth.authenticate("e30." * 1_000_000)


def test_a_token_ends_with_the_session_the_password_or_the_account(auth: Auth, db: Database, alice: User) -> None:
    def token() -> str:
        user = db.users.by_id(alice.id)
        assert user
        fresh = auth.start_session(user).access_token
        auth.authenticate(fresh)
        return fresh

    ended = []
    ended.append(token())
    auth.end_session(auth.authenticate(ended[-1]))
    ended.append(token())
    auth.change_password(alice, "battery staple")
    ended.append(token())
    auth.end_all_sessions(alice)
    ended.append(token())
    db.users.set_active(alice.id, False)
    for one in ended:
        with pytest.raises(Unauthorised):
            auth.authenticate(one)


def test_expired_sessions_are_forgotten_and_live_ones_kept(auth: Auth, db: Database, alice: User) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=1)
    db.tokens.revoke("old", exp=long_ago)
    db.tokens.revoke("new", exp=datetime.now(UTC) + timedelta(days=1))
    db.tokens.start_family(alice.id, family="old", token_sha256="0" * 64, expires_at=long_ago)
    live = auth.start_session(alice)
    db.tokens.prune()
    assert not db.tokens.is_revoked(["old"])
    assert db.tokens.is_revoked(["new", "other"])
    assert auth.renew(live.refresh_token).user is not None


def test_an_expired_renewal_token_does_nothing(auth: Auth, db: Database, alice: User, settings: Settings) -> None:
    token = auth.start_session(alice).refresh_token
    with db.transaction() as session:
        session.connection().exec_driver_sql("update refresh_token set expires_at = '2020-01-01 00:00:00'")
    assert auth.renew(token).user is None


def test_renewal_tokens_are_stored_only_as_hashes(auth: Auth, alice: User, settings: Settings) -> None:
    token = auth.start_session(alice).refresh_token
    for file in settings.data_dir.iterdir():
        assert token.encode() not in file.read_bytes()


# --- passwords


def test_the_same_password_never_has_the_same_hash(auth: Auth) -> None:
    first, second = auth.hash_password("correct horse"), auth.hash_password("correct horse")
    assert first != second and first.startswith("$bcrypt-sha256$")


@pytest.mark.parametrize("password", ["", "7 chars", "x" * 1025, "with\0nul in it", "with \ud800 surrogate"])
def test_a_password_that_cannot_be_kept_is_refused(auth: Auth, alice: User, password: str) -> None:
    with pytest.raises(BadRequest):
        auth.hash_password(password)
    assert not auth.check_password(alice, password)


def test_a_plain_bcrypt_hash_still_works_and_is_improved(auth: Auth, db: Database) -> None:
    old = bcrypt.using(rounds=4).hash("correct horse")
    user = db.users.create("old", email="o@example.org", hashed_password=old)
    assert not auth.check_password(user, "wrong horse")
    assert auth.check_password(user, "correct horse")
    improved = db.users.by_id(user.id)
    assert improved is not None and improved.hashed_password.startswith("$bcrypt-sha256$")
    assert auth.check_password(improved, "correct horse")


def test_a_higher_cost_is_taken_up_at_the_next_log_in(settings: Settings, db: Database, alice: User) -> None:
    dearer = Auth(settings.model_copy(update={"bcrypt_rounds": 5}), db)
    assert dearer.check_password(alice, "correct horse")
    user = db.users.by_id(alice.id)
    assert user is not None and ",r=5$" in user.hashed_password


@pytest.mark.parametrize("stored", ["", "garbage", "$2b$04$short", "$bcrypt-sha256$v=2,t=2b,r=4$x", "!"])
def test_a_damaged_hash_lets_nobody_in(auth: Auth, db: Database, stored: str) -> None:
    user = db.users.create("odd", email="odd@example.org", hashed_password=stored)
    assert not auth.check_password(user, "correct horse")
    assert not auth.check_password(user, stored or "x")


def test_an_unknown_user_costs_a_full_check(settings: Settings, db: Database) -> None:
    auth = Auth(settings.model_copy(update={"bcrypt_rounds": 6}), db)
    assert bcrypt_sha256.from_string(auth._nobodys_hash).rounds == 6
    assert not auth.check_password(None, "correct horse")


# --- keys


def test_the_signing_key_is_made_once_for_its_owner_alone(settings: Settings) -> None:
    first = signing_key(settings)
    file = settings.data_dir / SIGNING_KEY_FILE
    assert len(first) == 64 and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert signing_key(settings) == first
    file.chmod(0o644)
    signing_key(settings)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_butlers_never_share_a_key(tmp_path: Path) -> None:
    keys = {signing_key(Settings(_env_file=None, data_dir=tmp_path / name)) for name in "ab"}
    assert len(keys) == 2


@pytest.mark.parametrize("content", ["", "short", "x" * 64, "changeme" * 8])
def test_a_weak_key_stops_the_start(settings: Settings, content: str) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / SIGNING_KEY_FILE).write_text(content)
    with pytest.raises(ButlerError, match="too easy to guess"):
        signing_key(settings)


def test_a_weak_key_in_the_settings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, data_dir=tmp_path, secret_key=SecretStr("short"))
    with pytest.raises(ButlerError, match="BUTLER_SECRET_KEY"):
        signing_key(Settings(_env_file=None, data_dir=tmp_path, secret_key=SecretStr("secret" * 8)))


# --- limits


def connection_from(host: str, **headers: str) -> HTTPConnection:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "client": (host, 1), "headers": raw})


def test_an_address_is_the_connections_own() -> None:
    assert peer_of(connection_from("10.0.0.1", **{"X-Forwarded-For": "1.2.3.4"})) == "10.0.0.1"
    assert peer_of(connection_from("2001:db8::1")) == peer_of(connection_from("2001:db8::ffff:2"))
    assert peer_of(connection_from("2001:db8:0:1::1")) != peer_of(connection_from("2001:db8::1"))
    assert peer_of(HTTPConnection({"type": "http", "client": None, "headers": []})) == "unknown"


def test_an_account_is_guarded_against_many_addresses(settings: Settings) -> None:
    limits = RateLimits(settings)
    for number in range(100):
        limits.login("alice", f"10.0.0.{number}")
    with pytest.raises(RateLimited) as caught:
        limits.login("alice", "10.0.1.1")
    assert 0 < caught.value.retry_after_seconds <= 3600
    limits.login("bob", "10.0.1.1")


def test_deployments_of_one_user_are_limited(settings: Settings) -> None:
    limits = RateLimits(settings.model_copy(update={"deploys_per_minute": 2}))
    limits.deploy(1)
    limits.deploy(1)
    limits.deploy(2)
    with pytest.raises(RateLimited):
        limits.deploy(1)
