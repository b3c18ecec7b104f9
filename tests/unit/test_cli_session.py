"""The stored log-in: private, renewed by itself, and each renewal token used once."""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from cli.api import Api
from cli.credentials import Session, SessionFile
from cli.failures import ExitCode, Failure
from cli.server import Server, checked_url, find_server
from settings import CliSettings

URL = "http://butler.example:8000"
Handler = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture
def sessions(tmp_path: Path) -> SessionFile:
    return SessionFile(tmp_path / "config")


def stored(sessions: SessionFile, *, seconds_left: float = 1800) -> Session:
    session = Session(URL, "alice", "access-1", "renewal-1", time.time() + seconds_left)
    with sessions.lock():
        sessions.put(session, make_current=True)
    return session


def api(sessions: SessionFile, handler: Handler, *, token: str | None = None) -> Api:
    return Api(Server(URL, token), sessions, httpx2.MockTransport(handler))


def answer_of_login(number: int) -> httpx2.Response:
    body = {"access_token": f"access-{number}", "refresh_token": f"renewal-{number}", "expires_in": 1800}
    return httpx2.Response(200, json={**body, "token_type": "bearer", "user": {"username": "alice"}})


class Accounts:
    """Renews like the server does: each token works once."""

    def __init__(self) -> None:
        self.number = 1
        self.renewals: list[str] = []
        self.accepted = {"access-1"}

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/api/auth/refresh":
            token = request.read().decode()
            self.renewals.append(token)
            time.sleep(0.02)
            if f"renewal-{self.number}" not in token:
                return httpx2.Response(401, json={"error": {"code": "unauthorised", "message": "Used before."}})
            self.number += 1
            self.accepted.add(f"access-{self.number}")
            return answer_of_login(self.number)
        token = request.headers["authorization"].removeprefix("Bearer ")
        if token not in self.accepted:
            return httpx2.Response(401, json={"error": {"code": "unauthorised", "message": "No."}})
        return httpx2.Response(200, json={"token": token})


def test_the_file_is_readable_by_its_owner_only(sessions: SessionFile) -> None:
    stored(sessions)
    assert stat.S_IMODE(sessions.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(sessions.path.parent.stat().st_mode) == 0o700
    assert sessions.get(URL) is not None
    assert sessions.get("http://other.example") is None
    assert sessions.current_url == URL


@pytest.mark.parametrize("content", ["", "[]", "{not json", '{"servers": {"http://butler.example:8000": {"a": 1}}}'])
def test_a_file_that_cannot_be_read_counts_as_no_log_in(sessions: SessionFile, content: str) -> None:
    stored(sessions)
    sessions.path.write_text(content)
    assert sessions.get(URL) is None


def test_logging_out_forgets_the_server_and_the_token(sessions: SessionFile) -> None:
    stored(sessions)
    sessions.remove(URL)
    assert sessions.get(URL) is None
    assert sessions.current_url is None
    assert "access-1" not in sessions.path.read_text()


def test_a_token_that_is_about_to_end_is_renewed_before_it_is_used(sessions: SessionFile) -> None:
    accounts = Accounts()
    stored(sessions, seconds_left=20)
    assert api(sessions, accounts).get("/x").json() == {"token": "access-2"}
    renewed = sessions.get(URL)
    assert renewed is not None
    assert (renewed.access_token, renewed.refresh_token) == ("access-2", "renewal-2")


def test_a_token_that_the_server_refuses_is_renewed_once_and_the_request_repeated(sessions: SessionFile) -> None:
    accounts = Accounts()
    accounts.accepted.clear()
    stored(sessions)
    assert api(sessions, accounts).get("/x").json() == {"token": "access-2"}
    assert len(accounts.renewals) == 1


def test_commands_that_run_at_once_use_a_renewal_token_once(sessions: SessionFile) -> None:
    accounts = Accounts()
    stored(sessions, seconds_left=0)
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(api(sessions, accounts).get("/x").json()["token"]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["access-2"] * 8
    assert len(accounts.renewals) == 1


def test_a_log_in_that_cannot_be_renewed_is_forgotten(sessions: SessionFile) -> None:
    accounts = Accounts()
    accounts.accepted.clear()
    accounts.number = 5
    stored(sessions)
    with pytest.raises(Failure, match="has ended") as caught:
        api(sessions, accounts).get("/x")
    assert caught.value.exit_code is ExitCode.NOT_LOGGED_IN
    assert "login" in caught.value.hint
    assert sessions.get(URL) is None


def test_a_token_of_the_environment_wins_and_is_never_stored_or_renewed(sessions: SessionFile) -> None:
    accounts = Accounts()
    stored(sessions)
    with pytest.raises(Failure, match="BUTLER_TOKEN"):
        api(sessions, accounts, token="mine").get("/x")
    assert accounts.renewals == []
    assert "mine" not in sessions.path.read_text()


def test_a_redirect_is_told_and_not_followed_with_the_token(sessions: SessionFile) -> None:
    stored(sessions)
    with pytest.raises(Failure, match="leads to https://elsewhere.example/") as caught:
        api(sessions, lambda _: httpx2.Response(307, headers={"location": "https://elsewhere.example/"})).get("/x")
    assert caught.value.exit_code is ExitCode.UNREACHABLE


def test_something_else_than_a_butler_is_recognised(sessions: SessionFile) -> None:
    stored(sessions)
    with pytest.raises(Failure, match="something else"):
        api(sessions, lambda _: httpx2.Response(200, html="<h1>Welcome</h1>")).get("/deployments")


def test_no_answer_is_told_with_the_way_to_start_a_server(sessions: SessionFile) -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("[Errno 111] Connection refused", request=request)

    stored(sessions)
    with pytest.raises(Failure, match="connection refused") as caught:
        api(sessions, refuse).get("/x")
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert "./butler serve" in caught.value.hint


def test_the_servers_words_cannot_steer_the_terminal(sessions: SessionFile) -> None:
    stored(sessions)
    body = {"error": {"code": "conflict", "message": "a\x1b[2Jb", "hint": "\x1b]0;x\x07c", "lines": ["\x1b[31md"]}}
    with pytest.raises(Failure) as caught:
        api(sessions, lambda _: httpx2.Response(409, json=body)).get("/x")
    assert (caught.value.message, caught.value.hint, caught.value.lines) == ("ab", "c", ("d",))


def test_the_server_is_the_flags_then_the_environments_then_the_last_one(
    sessions: SessionFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BUTLER_URL", "BUTLER_PORT", "BUTLER_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(CliSettings.model_config, "env_file", None)
    assert find_server(None, sessions).url == "http://127.0.0.1:8000"
    stored(sessions)
    assert find_server(None, sessions).url == URL
    monkeypatch.setenv("BUTLER_PORT", "8123")
    assert find_server(None, sessions).url == "http://127.0.0.1:8123"
    monkeypatch.setenv("BUTLER_URL", "https://other.example/")
    monkeypatch.setenv("BUTLER_TOKEN", "secret")
    assert find_server(None, sessions) == Server("https://other.example", "secret")
    assert find_server("http://flag.example", sessions).url == "http://flag.example"


@pytest.mark.parametrize("text", ["", "butler", "ftp://x", "http://", "http://a:b@c", "http://a?b", "http://a:99999"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Failure, match="not the address"):
        checked_url(text)
