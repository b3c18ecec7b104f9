"""A release's log is followed without a gap or a repetition, whatever happens to the connection."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.sync.server import ServerConnection, serve

from cli.api import Api
from cli.credentials import Session, SessionFile
from cli.failures import ExitCode, Failure
from cli.live import Follower
from cli.server import Server

RELEASE_ID = 70


def event(seq: int, *, release: int = RELEASE_ID, kind: str = "line") -> str:
    line = {"seq": seq, "kind": kind, "stage": "build", "text": f"line {seq}", "detail": {}}
    return json.dumps({"type": "event", "deployment": "app", "release": release, **line})


def events(*numbers: int) -> str:
    lines = [{key: value for key, value in json.loads(event(number)).items() if key != "type"} for number in numbers]
    return json.dumps({"type": "events", "deployment": "app", "release": RELEASE_ID, "lines": lines})


def watching(after: int = 0) -> str:
    return json.dumps({"type": "watching", "deployment": "app", "release": RELEASE_ID, "after": after})


END = json.dumps({"type": "end", "deployment": "app", "release": RELEASE_ID})


class Visit:
    """One socket that a client opened: its token and what it asked to watch."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        greeting = json.loads(connection.recv(timeout=5))
        self.token, self.takes_batches = greeting["token"], greeting.get("batch")
        self.watch: dict[str, Any] = json.loads(connection.recv(timeout=5))

    def send(self, *frames: str) -> None:
        for frame in frames:
            self.connection.send(frame)


@contextmanager
def socket_server(*turns: Callable[[Visit], None]) -> Iterator[tuple[str, list[Visit]]]:
    """Each connection is served by the next of `turns`."""
    visits: list[Visit] = []

    def handle(connection: ServerConnection) -> None:
        visits.append(Visit(connection))
        turns[len(visits) - 1](visits[-1])

    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}", visits
        server.shutdown()
        thread.join()


def follower(
    url: str, tmp_path: Path, handler: Callable[[httpx2.Request], httpx2.Response] | None = None, **more: Any
) -> Follower:
    sessions = SessionFile(tmp_path)
    with sessions.lock():
        sessions.put(Session(url, "alice", "access-1", "renewal-1", time.time() + 1800))
    transport = httpx2.MockTransport(handler or (lambda _: httpx2.Response(500)))
    return Follower(Api(Server(url), sessions, transport), "app", 3, **more)


def numbers(follower: Follower) -> list[int]:
    return [event["seq"] for event in follower.events()]


def test_the_lines_of_the_release_come_until_its_end(tmp_path: Path) -> None:
    def serve_log(visit: Visit) -> None:
        visit.send('{"type": "ready", "user": "alice"}', watching(), event(1), '{"type": "ping"}')
        assert json.loads(visit.connection.recv(timeout=5)) == {"type": "pong"}
        visit.send(
            event(9, release=71), '{"type": "deployment", "deployment": "app"}', event(2), event(2), event(3), END
        )

    with socket_server(serve_log) as (url, visits):
        assert numbers(follower(url, tmp_path)) == [1, 2, 3]
    assert visits[0].token == "access-1"
    assert visits[0].watch == {"type": "watch", "deployment": "app", "release": 3, "after": 0}


def test_lines_that_come_several_in_a_frame_are_handed_out_one_by_one_and_once(tmp_path: Path) -> None:
    def serve_log(visit: Visit) -> None:
        visit.send(watching(), events(1, 2), events(2, 3), event(4), END)

    with socket_server(serve_log) as (url, visits):
        found = list(follower(url, tmp_path).events())
    assert [(one["type"], one["deployment"], one["seq"]) for one in found] == [("event", "app", n) for n in range(1, 5)]
    assert visits[0].takes_batches


def test_after_a_lost_connection_it_goes_on_with_the_next_line(tmp_path: Path) -> None:
    def lose(visit: Visit) -> None:
        visit.send(watching(), event(1), event(2))
        visit.connection.close(1012, "the server restarts")

    def resume(visit: Visit) -> None:
        visit.send(watching(visit.watch["after"]), event(3), END)

    with socket_server(lose, resume) as (url, visits):
        assert numbers(follower(url, tmp_path)) == [1, 2, 3]
    assert visits[1].watch["after"] == 2


def test_a_token_that_ends_meanwhile_is_renewed(tmp_path: Path) -> None:
    def expire(visit: Visit) -> None:
        visit.send(watching(), event(1))
        visit.connection.close(4401, "the token has expired")

    def go_on(visit: Visit) -> None:
        visit.send(watching(), event(2), END)

    def renew(request: httpx2.Request) -> httpx2.Response:
        tokens = {"access_token": "access-2", "refresh_token": "renewal-2", "expires_in": 1800}
        return httpx2.Response(200, json={**tokens, "user": {"username": "alice"}})

    with socket_server(expire, go_on) as (url, visits):
        assert numbers(follower(url, tmp_path, renew)) == [1, 2]
    assert [visit.token for visit in visits] == ["access-1", "access-2"]


def test_where_no_socket_gets_through_the_log_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.live._POLL_SECONDS", 0.01)
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        after = request.url.params["after"]
        asked.append(after)
        lines = {"0": [1, 2], "2": [], "4": [5]}.get(after, [3, 4] if len(asked) > 3 else [])
        if after == "2" and len(asked) > 3:
            lines = [3, 4]
        return httpx2.Response(
            200, json={"lines": [{"seq": number, "kind": "line"} for number in lines], "closed": after == "4"}
        )

    def refuse(visit: Visit) -> None:
        visit.connection.close(4429, "too many sockets")

    with socket_server(refuse) as (url, _):
        assert numbers(follower(url, tmp_path, answer)) == [1, 2, 3, 4, 5]


def test_a_server_without_sockets_is_asked(tmp_path: Path) -> None:
    from tests.unit.fake_butler import serving

    with serving() as butler:

        def answer(_: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(200, json={"lines": [{"seq": 1, "kind": "line"}], "closed": True})

        assert numbers(follower(butler.url, tmp_path, answer)) == [1]


def test_an_unknown_deployment_is_not_found(tmp_path: Path) -> None:
    def refuse(visit: Visit) -> None:
        visit.send('{"type": "error", "code": "not-found", "message": "No such deployment.", "deployment": "app"}')

    with socket_server(refuse) as (url, _), pytest.raises(Failure, match="No such deployment") as caught:
        numbers(follower(url, tmp_path))
    assert caught.value.exit_code is ExitCode.NOT_FOUND


def test_it_waits_no_longer_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.live._WAIT_SECONDS", 0.02)

    def hang(visit: Visit) -> None:
        visit.send(watching())
        visit.connection.recv(timeout=5)

    with socket_server(hang) as (url, _):
        began = time.monotonic()
        with pytest.raises(Failure) as caught:
            numbers(follower(url, tmp_path, deadline=time.monotonic() + 0.3))
    assert caught.value.exit_code is ExitCode.TIMEOUT
    assert time.monotonic() - began < 3


def test_a_server_that_stays_away_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.live._GIVE_UP_SECONDS", 0.1)
    with pytest.raises(Failure, match="did not come back") as caught:
        numbers(follower("http://127.0.0.1:1", tmp_path))
    assert caught.value.exit_code is ExitCode.UNREACHABLE
