"""Accounts over HTTP: registration, log-in, renewal, log-out, limits, and what must not work."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import bcrypt
import httpx2
import hypothesis
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck
from starlette.testclient import TestClient

from auth import Auth
from settings import Settings

Register = Callable[..., dict[str, Any]]
ME = "/api/auth/me"
PASSWORD = "correct horse"


def log_in(client: TestClient, username: str = "alice", password: str = PASSWORD, **more: Any) -> httpx2.Response:
    return client.post("/api/auth/login", json={"username": username, "password": password}, **more)


def said(answer: httpx2.Response) -> tuple[int, dict[str, Any], set[str]]:
    """All that tells one refusal from another; a request's own trace id does not."""
    return answer.status_code, answer.json()["error"] | {"trace_id": ""}, set(answer.headers)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# --- register and log in


def test_whoever_registers_is_logged_in(client: TestClient, register: Register) -> None:
    session = register("Alice")
    assert session["token_type"] == "bearer" and session["expires_in"] == 1800
    me = client.get(ME, headers=session["headers"]).json()
    assert me == session["user"]
    assert (me["username"], me["email"], me["has_github_token"]) == ("Alice", "Alice@example.org".lower(), False)
    assert datetime.fromisoformat(me["created_at"]).tzinfo is not None
    assert "password" not in str(me)


@pytest.mark.parametrize("name", ["alice", "ALICE", "Alice@Example.ORG"])
def test_a_log_in_works_with_any_form_of_the_name_as_json_and_as_a_form(
    client: TestClient, register: Register, name: str
) -> None:
    register()
    form = {"grant_type": "password", "username": name, "password": "correct horse", "scope": ""}
    for answer in (log_in(client, name), client.post("/api/auth/login", data=form)):
        assert answer.status_code == 200
        assert client.get(ME, headers=bearer(answer.json()["access_token"])).json()["username"] == "alice"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["ALICE", "Alice", "alice"])
def test_a_name_that_looks_the_same_is_taken(client: TestClient, register: Register, name: str) -> None:
    register()
    body = {"username": name, "password": "correct horse", "email": "other@example.org"}
    answer = client.post("/api/auth/register", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


def test_a_taken_address_is_answered_like_a_taken_name(client: TestClient, register: Register) -> None:
    register()
    bodies = [
        {"username": "alice", "password": "correct horse", "email": "other@example.org"},
        {"username": "other", "password": "correct horse", "email": "ALICE@example.org"},
    ]
    first, second = (client.post("/api/auth/register", json=body) for body in bodies)
    assert first.status_code == 409
    assert said(first) == said(second)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "a"),
        ("username", "a" * 33),
        ("username", "-rf"),
        ("username", "al ice"),
        ("username", "alice\n"),
        ("username", "Ａlice"),
        ("username", "аlice"),
        ("username", "alice\x00"),
        ("username", 7),
        ("email", "alice"),
        ("email", "alice@"),
        ("email", "a@b@c.org"),
        ("email", "alice@exa mple.org"),
        ("email", "\ud800@example.org"),
        ("password", "7 chars"),
        ("password", "x" * 1025),
        ("password", "correct\x00horse"),
        ("password", "correct \ud800 horse"),
        ("password", None),
    ],
)
def test_what_cannot_be_used_is_refused_when_registering(client: TestClient, field: str, value: object) -> None:
    body = {"username": "alice", "email": "alice@example.org", "password": "correct horse"} | {field: value}
    answer = client.post("/api/auth/register", content=_json(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid-request"


def _json(body: object) -> bytes:
    return json.dumps(body).encode()


@pytest.mark.parametrize("email", ["me@nas.local", "me@printer.lan", "o'brien+ci@example.co.uk", "ü@bücher.example"])
def test_addresses_of_a_house_network_and_of_the_world_are_welcome(register: Register, email: str) -> None:
    assert register(email=email)["user"]["email"] == email


@pytest.mark.parametrize("length", [8, 72, 73, 200, 1024])
def test_every_character_of_a_password_counts(client: TestClient, register: Register, length: int) -> None:
    password = "é" * (length - 1) + "1"
    register(password=password)
    assert log_in(client, password=password).status_code == 200
    assert log_in(client, password=password[:-1] + "2").status_code == 401
    assert log_in(client, password=password[:-1] or "x").status_code == 401


@pytest.mark.parametrize(
    "extra", [{"is_admin": True}, {"id": 1}, {"is_active": True}, {"hashed_password": "x"}, {"token_version": 9}]
)
def test_a_body_cannot_set_more_than_it_may(client: TestClient, extra: dict[str, object]) -> None:
    body = {"username": "mallory", "email": "m@example.org", "password": "correct horse"} | extra
    assert client.post("/api/auth/register", json=body).status_code == 422
    assert log_in(client, "mallory").status_code == 401


def test_registration_can_be_closed(app: FastAPI, client: TestClient, settings: Settings) -> None:
    app.state.settings = settings.model_copy(update={"open_registration": False})
    body = {"username": "alice", "email": "a@example.org", "password": "correct horse"}
    answer = client.post("/api/auth/register", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


# --- what an attacker may try at the door


def test_an_unknown_user_and_a_wrong_password_are_answered_alike(client: TestClient, register: Register) -> None:
    register()
    known, unknown = log_in(client, "alice", "wrong password"), log_in(client, "nobody", "wrong password")
    assert known.status_code == 401 and known.headers["www-authenticate"] == "Bearer"
    assert said(known) == said(unknown)


def test_an_unknown_user_costs_the_same_work_as_a_wrong_password(
    app: FastAPI, client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = settings.model_copy(update={"bcrypt_rounds": 6, "login_attempts_per_minute": 1000})
    app.state.auth = Auth(slow, app.state.database)
    body = {"username": "alice", "email": "a@example.org", "password": "correct horse"}
    client.post("/api/auth/register", json=body)
    work: list[str] = []
    hashpw = bcrypt.hashpw

    def counted(secret: bytes, config: bytes) -> bytes:
        work.append(config[:7].decode())
        return hashpw(secret, config)

    monkeypatch.setattr(bcrypt, "hashpw", counted)

    def work_of(name: str) -> list[str]:
        work.clear()
        assert log_in(client, name, "wrong password").status_code == 401
        return list(work)

    assert work_of("alice") == work_of("nobody") == ["$2b$06$"]


def test_a_closed_account_is_answered_like_a_wrong_password(
    app: FastAPI, client: TestClient, register: Register
) -> None:
    session = register()
    app.state.database.users.set_active(session["user"]["id"], False)
    wrong = log_in(client, "nobody", "wrong password")
    assert said(log_in(client)) == said(wrong)
    assert client.get(ME, headers=session["headers"]).status_code == 401
    renewal = client.post("/api/auth/refresh", json={"refresh_token": session["refresh_token"]})
    assert renewal.status_code == 401


def test_guessing_is_slowed_down_whatever_the_headers_claim(client: TestClient, register: Register) -> None:
    register()
    answers = [
        log_in(client, password=f"guess {number}", headers={"X-Forwarded-For": f"1.2.3.{number}", "Forwarded": "for=9"})
        for number in range(15)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 5
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].json()["error"]["code"] == "rate-limited"
    assert log_in(client).status_code == 429, "the right password must not get past the limit"


def test_a_name_in_another_form_does_not_get_past_the_limit(client: TestClient, register: Register) -> None:
    register()
    names = ["alice", "ALICE", "Alice", "aLICE"]
    answers = [log_in(client, names[number % 4], "wrong guess").status_code for number in range(11)]
    assert answers[-1] == 429


def test_guessing_at_many_accounts_from_one_address_is_slowed_down(client: TestClient) -> None:
    answers = [log_in(client, f"user{number}", "wrong guess").status_code for number in range(61)]
    assert answers == [401] * 60 + [429]


def test_simultaneous_guesses_do_not_get_past_the_limit(client: TestClient, register: Register) -> None:
    register()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda number: log_in(client, password=f"guess {number}").status_code, range(40)))
    assert answers.count(401) == 10


def test_somebody_who_logs_in_often_is_not_locked_out(client: TestClient, register: Register) -> None:
    register()
    for _ in range(15):
        assert log_in(client, password="typing error").status_code == 401
        assert log_in(client).status_code == 200


def test_registrations_from_one_address_are_limited(app: FastAPI, client: TestClient, settings: Settings) -> None:
    app.state.auth = Auth(settings.model_copy(update={"registrations_per_hour": 2}), app.state.database)
    answers = [
        client.post(
            "/api/auth/register",
            json={"username": f"user{number}", "email": f"{number}@example.org", "password": "correct horse"},
        )
        for number in range(3)
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 429]


def test_what_happens_at_the_door_is_recorded_without_secrets(
    client: TestClient, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr("login.audit", lambda action, **fields: lines.append(f"audit {action} {fields}"))
    monkeypatch.setattr("login.security_event", lambda name, **fields: lines.append(f"security {name} {fields}"))
    session = register()
    for number in range(11):
        log_in(client, password=f"wrong guess {number}")
    client.post("/api/auth/logout", headers=session["headers"])
    text = "\n".join(lines)
    for expected in (
        "audit account.register",
        "security login.failed",
        "security login.limited",
        "audit account.logout",
    ):
        assert expected in text
    for secret in ("correct horse", "wrong guess", session["access_token"], session["refresh_token"]):
        assert secret not in text


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "text/plain"}, b"username=alice", 415),
        ({}, b"{}", 415),
        ({"Content-Type": "application/json"}, b"", 422),
        ({"Content-Type": "application/json"}, b"[]", 422),
        ({"Content-Type": "application/json"}, b'{"username": "alice"', 422),
        ({"Content-Type": "application/json"}, b'{"username": "alice", "password": "x", "is_admin": true}', 422),
        ({"Content-Type": "application/json"}, b'{"username": "\\ud800", "password": "x"}', 422),
        ({"Content-Type": "application/json"}, b'{"username": "a\\u0000", "password": "x"}', 422),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"username=alice", 422),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"username=alice&password=" + b"x" * 1025, 422),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"\xff\xfe", 422),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"a=1&" * 50, 422),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"grant_type=magic&username=a&password=b", 422),
    ],
)
def test_a_log_in_that_is_no_log_in_is_refused(
    client: TestClient, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = client.post("/api/auth/login", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == "invalid-request"


# --- sessions


def test_a_renewal_token_works_once_and_its_second_use_ends_the_log_in(
    client: TestClient, register: Register, caplog: pytest.LogCaptureFixture
) -> None:
    session = register()
    first = client.post("/api/auth/refresh", json={"refresh_token": session["refresh_token"]})
    assert first.status_code == 200
    renewed = first.json()
    assert renewed["refresh_token"] != session["refresh_token"]
    assert client.get(ME, headers=bearer(renewed["access_token"])).status_code == 200
    assert client.post("/api/auth/refresh", json={"refresh_token": session["refresh_token"]}).status_code == 401
    assert client.post("/api/auth/refresh", json={"refresh_token": renewed["refresh_token"]}).status_code == 401
    for token in (session["access_token"], renewed["access_token"]):
        assert client.get(ME, headers=bearer(token)).status_code == 401
    assert log_in(client).status_code == 200


def test_simultaneous_uses_of_one_renewal_token_do_not_make_two_sessions(
    client: TestClient, register: Register
) -> None:
    token = register()["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: client.post("/api/auth/refresh", json={"refresh_token": token}).status_code, range(8))
        )
    assert answers.count(200) == 1


@pytest.mark.parametrize("token", ["nonsense", "x" * 512, "é"])
def test_a_made_up_renewal_token_is_refused(client: TestClient, token: str) -> None:
    assert client.post("/api/auth/refresh", json={"refresh_token": token}).status_code == 401


def test_a_log_out_holds_for_all_tokens_of_the_session_and_spares_the_others(
    client: TestClient, register: Register
) -> None:
    here, there = register(), log_in(client).json()
    renewed = client.post("/api/auth/refresh", json={"refresh_token": here["refresh_token"]}).json()
    assert client.post("/api/auth/logout", headers=bearer(renewed["access_token"])).status_code == 204
    for token in (here["access_token"], renewed["access_token"]):
        assert client.get(ME, headers=bearer(token)).status_code == 401
    assert client.post("/api/auth/refresh", json={"refresh_token": renewed["refresh_token"]}).status_code == 401
    assert client.get(ME, headers=bearer(there["access_token"])).status_code == 200


def test_a_log_out_everywhere_ends_every_session(client: TestClient, register: Register) -> None:
    here, there = register(), log_in(client).json()
    answer = client.post("/api/auth/logout", json={"everywhere": True}, headers=here["headers"])
    assert answer.status_code == 204
    for session in (here, there):
        assert client.get(ME, headers=bearer(session["access_token"])).status_code == 401
        assert client.post("/api/auth/refresh", json={"refresh_token": session["refresh_token"]}).status_code == 401
    assert log_in(client).status_code == 200


def test_a_new_password_ends_the_other_sessions_and_replaces_the_old_one(
    client: TestClient, register: Register
) -> None:
    here, there = register(), log_in(client).json()
    change = {"current_password": "correct horse", "new_password": "battery staple"}
    answer = client.put("/api/auth/password", json=change, headers=here["headers"])
    assert answer.status_code == 200
    assert client.get(ME, headers=bearer(answer.json()["access_token"])).status_code == 200
    for token in (here["access_token"], there["access_token"]):
        assert client.get(ME, headers=bearer(token)).status_code == 401
    assert log_in(client).status_code == 401
    assert log_in(client, password="battery staple").status_code == 200


def test_the_current_password_cannot_be_guessed_with_a_stolen_token(client: TestClient, register: Register) -> None:
    session = register()
    answers = [
        client.put(
            "/api/auth/password",
            json={"current_password": f"guess {number}", "new_password": "battery staple"},
            headers=session["headers"],
        ).status_code
        for number in range(12)
    ]
    assert answers == [403] * 10 + [429] * 2


def test_nobody_gets_in_without_a_token(client: TestClient) -> None:
    routes = [("GET", ME), ("POST", "/api/auth/logout"), ("PUT", "/api/auth/github-token")]
    routes += [("DELETE", "/api/auth/github-token"), ("PUT", "/api/auth/password")]
    for method, path in routes:
        for headers in ({}, bearer("nonsense"), {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}):
            answer = client.request(method, path, headers=headers)
            assert answer.status_code == 401, (method, path, headers)
            assert answer.headers["www-authenticate"] == "Bearer"


# --- the GitHub token


def test_a_github_token_can_be_stored_and_forgotten_but_not_read(
    client: TestClient, register: Register, settings: Settings
) -> None:
    session = register()
    answer = client.put("/api/auth/github-token", json={"token": "ghp_0123456789abcdef"}, headers=session["headers"])
    assert answer.status_code == 200 and answer.json()["has_github_token"] is True
    assert answer.json()["github_token_added_at"]
    assert "ghp_" not in answer.text + client.get(ME, headers=session["headers"]).text
    for file in settings.data_dir.iterdir():
        assert b"ghp_0123" not in file.read_bytes()
    for _ in range(2):
        assert client.delete("/api/auth/github-token", headers=session["headers"]).status_code == 204
    assert client.get(ME, headers=session["headers"]).json()["has_github_token"] is False


@pytest.mark.parametrize("token", ["", "short", "with space in it", "line\nbreak-in-it", "ghp_é1234567", "x" * 256])
def test_what_cannot_be_a_github_token_is_refused(client: TestClient, register: Register, token: str) -> None:
    answer = client.put("/api/auth/github-token", json={"token": token}, headers=register()["headers"])
    assert answer.status_code == 422


# --- the description


def test_the_authorize_button_of_the_documentation_finds_the_log_in(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    (scheme,) = described["components"]["securitySchemes"].values()
    assert scheme["flows"]["password"]["tokenUrl"] == "/api/auth/login"
    content = described["paths"]["/api/auth/login"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "application/x-www-form-urlencoded"}
    assert content["application/json"]["schema"]["required"] == ["username", "password"]


def test_every_error_has_the_one_shape(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    accounts = {path: operations for path, operations in described["paths"].items() if path.startswith("/api/auth/")}
    for path, operations in accounts.items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    reference = answer["content"]["application/json"]["schema"]["$ref"]
                    assert reference.endswith("/ErrorBody"), (path, status)


def test_generated_requests_find_nothing_against_the_description(app: FastAPI, settings: Settings) -> None:
    """The application is started by schemathesis here: it cannot run in two event loops at once."""
    generous = {"registrations_per_hour": 100_000, "login_attempts_per_minute": 100_000}
    app.state.auth = auth = Auth(settings.model_copy(update=generous), app.state.database)
    user = app.state.database.users.create("alice", email="a@example.org", hashed_password=auth.hash_password(PASSWORD))
    headers = bearer(auth.start_session(user).access_token)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app).include(path_regex="^/api/auth/")
    asked: set[str] = set()

    for result in schema.get_all_operations():
        operation = result.ok()

        @hypothesis.given(case=operation.as_strategy())
        @hypothesis.settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def check(case: schemathesis.Case) -> None:
            case.call_and_validate(base_url="http://localhost", headers=headers)
            asked.add(case.operation.label)

        check()
    assert asked == {one.ok().label for one in schema.get_all_operations()}


def test_failures_of_the_storage_are_answered_with_503(app: FastAPI, client: TestClient, register: Register) -> None:
    session = register()
    logging.getLogger("sqlalchemy").setLevel(logging.CRITICAL)
    with app.state.database.transaction() as db:
        db.connection().exec_driver_sql("drop table revoked_token")
    answer = client.get(ME, headers=session["headers"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "storage")
