"""What guards every request: sizes, headers, other origins, host names, trace ids, errors that nobody expected."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from orchestrator import create_app
from robust_logging import JsonLines
from settings import Settings

Headers = dict[str, str]
MIB = 1024 * 1024


@pytest.fixture
def log() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines of the server's own log, as the operator sees them."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


# --- sizes


def test_an_env_file_may_have_64_kib(client: TestClient, alice: Headers):
    for size, status in ((64 * 1024, 200), (64 * 1024 + 1, 422)):
        content = b"KEY=" + b"x" * (size - 4)
        files = {"git_url": (None, "https://github.com/user/repo"), "backend_env": ("env", content)}
        answer = client.post("/deploy", files=files, headers=alice)
        assert answer.status_code == status
    assert answer.json()["error"]["code"] == "invalid-env-file" and "64 KiB" in answer.json()["error"]["message"]


def test_a_body_over_a_mebibyte_is_refused(client: TestClient, alice: Headers):
    files = {"git_url": (None, "https://github.com/user/repo"), "backend_env": ("env", b"x" * MIB)}
    answer = client.post("/deploy", files=files, headers=alice)
    assert answer.status_code == 413
    assert answer.json()["error"]["message"] == "The request is larger than 1 MiB."
    assert answer.json()["error"]["trace_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/deploy", "/api/plan", "/api/auth/login", "/api/auth/register"])
def test_a_body_that_does_not_tell_its_size_is_counted(client: TestClient, alice: Headers, path: str):
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(40):
            sent += 1
            yield b"a" * 65536

    kind = "application/x-www-form-urlencoded" if path != "/api/auth/register" else "application/json"
    answer = client.post(path, content=pieces(), headers={**alice, "Content-Type": kind})
    assert answer.status_code == 413 and answer.json()["error"]["code"] == "invalid-request"


def test_a_body_with_very_many_parts_is_refused(client: TestClient, alice: Headers):
    answer = client.post("/deploy", files=[(f"f{number}", (None, "")) for number in range(2000)], headers=alice)
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "invalid-request"


# --- headers


@pytest.mark.parametrize("path", ["/health", "/", "/docs", "/openapi.json", "/deployments", "/nowhere", "/metrics"])
def test_every_answer_has_the_security_headers(client: TestClient, path: str):
    headers = client.get(path, follow_redirects=False).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "server" not in headers
    if path != "/docs":
        policy = headers["content-security-policy"]
        for rule in ("default-src 'self'", "script-src 'self'", "object-src 'none'", "base-uri 'none'"):
            assert rule in policy
        assert "frame-ancestors 'none'" in policy and "unsafe" not in policy


def test_no_answer_sets_a_cookie(client: TestClient, alice: Headers):
    account = {"username": "alice", "password": "correct horse"}
    assert "set-cookie" not in client.post("/api/auth/login", json=account).headers
    assert "set-cookie" not in client.get("/deployments", headers=alice).headers


def test_other_origins_may_not_read_answers_by_default(client: TestClient, alice: Headers):
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for answer in (
        client.options("/deploy", headers=asked),
        client.get("/deployments", headers={**alice, "Origin": "https://evil.example"}),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_origins_that_the_operator_names_may_read_answers(app: FastAPI, settings: Settings):
    named = settings.model_copy(update={"allowed_origins": ("https://board.example",)})
    client = TestClient(create_app(named), base_url="http://localhost")
    for origin, expected in (("https://board.example", "https://board.example"), ("https://board.example.evil", None)):
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "Prefer"}
        answer = client.options("/deploy", headers=asked)
        assert answer.headers.get("access-control-allow-origin") == expected
        assert "access-control-allow-credentials" not in answer.headers
    seen = client.get("/health", headers={"Origin": "https://board.example"}).headers["access-control-expose-headers"]
    assert {"X-Total-Count", "Link", "Location"} <= set(seen.split(", "))


# --- host names


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8000"])
def test_a_stranger_s_host_name_is_refused(client: TestClient, host: str):
    answer = client.get("/deployments", headers={"Host": host})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid-request")
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws/x", headers={"Host": host}):
        pass


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "192.0.2.7", "nas", "LOCALHOST"])
def test_the_machine_s_own_names_and_addresses_are_known(client: TestClient, host: str):
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"allowed_hosts": ("butler.example",)},
        {"allowed_hosts": ("*",)},
        {"host": "0.0.0.0"},
        {"public_host": "butler.example"},
    ],
)
def test_the_operator_can_name_more(app: FastAPI, settings: Settings, change: dict[str, Any]):
    client = TestClient(create_app(settings.model_copy(update=change)), base_url="http://butler.example")
    assert client.get("/health").status_code == 200


def test_no_answer_repeats_the_host_that_a_request_claims(client: TestClient, alice: Headers):
    claimed = {**alice, "Host": "evil:1234", "X-Forwarded-Host": "evil.example"}
    files = {"git_url": (None, "https://github.com/user/repo")}
    answers = [client.post("/deploy", files=files, headers=claimed) for _ in range(2)]
    answers += [client.get(path, headers=claimed, follow_redirects=False) for path in ("/", "/deployments/", "/docs")]
    answers.append(client.get("/deployments?limit=1", headers=claimed))
    for answer in answers:
        assert "evil" not in answer.text and "evil" not in str(answer.headers)


# --- trace ids and unknown errors


def test_a_request_id_is_taken_and_given_back(client: TestClient, alice: Headers):
    files = {"git_url": (None, "https://github.com/user/repo")}
    answer = client.post("/deploy", files=files, headers={**alice, "X-Request-ID": "my-request-0001"})
    assert (answer.headers["x-request-id"], answer.json()["trace_id"]) == ("my-request-0001", "my-request-0001")
    assert client.get("/deployments", headers=alice).json()[0]["trace_id"] == "my-request-0001"


@pytest.mark.parametrize("sent", ["short", "x" * 65, "with space in it", "<script>alert(1)</script>"])
def test_a_request_id_that_is_not_well_formed_is_replaced(client: TestClient, sent: str):
    given = client.get("/health", headers={"X-Request-ID": sent}).headers["x-request-id"]
    assert given != sent and len(given) == 32


def test_an_unknown_error_is_a_trace_id_to_the_user_and_a_trace_to_the_operator(
    app: FastAPI, client: TestClient, alice: Headers, monkeypatch: pytest.MonkeyPatch, log: Callable[[], Any]
):
    def fail(*_args: object, **_more: object) -> None:
        raise RuntimeError("inner workings of /secret/path")

    monkeypatch.setattr(app.state.butler.database.deployments, "list", fail)
    answer = client.get("/deployments", headers={**alice, "X-Request-ID": "my-request-0002"})
    assert answer.status_code == 500
    error = answer.json()["error"]
    assert (error["code"], error["message"], error["trace_id"]) == ("internal", "Internal error.", "my-request-0002")
    assert answer.headers["x-request-id"] == "my-request-0002" and answer.headers["x-frame-options"] == "DENY"
    assert "inner" not in answer.text and "Traceback" not in answer.text
    [line] = [line for line in log() if "exception" in line]
    assert "inner workings" in line["exception"] and line["trace_id"] == "my-request-0002"


def test_a_refusal_does_not_repeat_what_was_sent(client: TestClient):
    account = {"username": "alice", "email": "not an address", "password": "very-secret-value", "more": "evil-value"}
    answer = client.post("/api/auth/register", json=account)
    assert answer.status_code == 422
    assert "very-secret-value" not in answer.text and "evil-value" not in answer.text


def test_a_log_line_cannot_be_forged(client: TestClient, log: Callable[[], Any]):
    client.get("/deployments/x%0a%7b%22event%22:%22forged%22%7d", headers={"X-Request-ID": "a\\nb"})
    account = {"username": 'x\n{"event": "forged"}', "password": "correct horse"}
    client.post("/api/auth/login", json=account)
    assert "forged" not in [line["event"] for line in log()]


# --- paths

CLIMBS = [
    "/assets/../deployments.db",
    "/assets/%2e%2e/deployments.db",
    "/assets/..%2fdeployments.db",
    "/assets/..%5cdeployments.db",
    "/assets//etc/passwd",
    "/assets/link",
    "/../data/deployments.db",
    "/applications/..%2f..%2fdeployments.db",
    "/static/../deployments.db",
]


@pytest.mark.parametrize("path", CLIMBS)
def test_no_path_leads_out_of_the_built_pages(settings: Settings, app: FastAPI, tmp_path: Path, path: str):
    assets = tmp_path / "static" / "assets"
    assets.mkdir(parents=True)
    for place in (tmp_path / "static", tmp_path):
        (place / "deployments.db").write_text("the database")
    (assets / "link").symlink_to(settings.data_dir / "deployments.db")
    (assets / "app.js").write_text("the script")
    client = TestClient(create_app(settings, static=tmp_path / "static"), base_url="http://localhost")
    assert client.get("/assets/app.js").text == "the script"
    answer = client.get(path, follow_redirects=False)
    assert "the database" not in answer.text and "SQLite" not in answer.text and "root:" not in answer.text
    assert answer.status_code in (307, 404, 405)
