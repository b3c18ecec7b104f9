"""The sockets that follow logs: who may connect, who hears what, and who is dropped."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from connection_manager import ConnectionManager, Directory, Limits, ReleaseLogs, Viewer
from connection_manager.sockets import is_same_origin
from domain import Event, EventKind, Stage
from robust_error_handler import ButlerError, Code

MIB = 1024 * 1024


def line(text: str) -> Event:
    return Event(EventKind.LINE, Stage.BUILD, text)


def plain(text: str) -> str:
    return text


@pytest.fixture
def logs(tmp_path: Path) -> ReleaseLogs:
    return ReleaseLogs(tmp_path / "logs", 32 * MIB, plain)


class House:
    """A small server around a ConnectionManager: two users, a deployment each."""

    def __init__(self, logs: ReleaseLogs, limits: Limits | None = None, origins: tuple[str, ...] = ()) -> None:
        self.tokens = {"ann": Viewer(1, "ann", time.time() + 600), "bob": Viewer(2, "bob", time.time() + 600)}
        self.releases = {(1, "ann-shop"): [10, 11], (2, "bob-blog"): [20]}
        self.logs = logs
        directory = Directory(self.authenticate, self.find, self.app_lines)
        self.ended: list[str] = []
        self.manager = ConnectionManager(logs, directory, allowed_origins=origins, limits=limits)
        self.app = Starlette(routes=[WebSocketRoute("/ws/{client_id}", self.endpoint)])

    def authenticate(self, token: str) -> Viewer:
        if token not in self.tokens:
            raise ButlerError("no", code=Code.UNAUTHORISED, status=401)
        return self.tokens[token]

    def find(self, user_id: int, name: str, number: int | None) -> int | None:
        releases = self.releases.get((user_id, name))
        if not releases:
            return None
        return releases[-1] if number is None else dict(enumerate(releases, 1)).get(number)

    async def app_lines(self, user_id: int, name: str, after: int) -> AsyncGenerator[list[dict[str, Any]], None]:
        try:
            yield [{"seq": after + 1, "time": "", "text": f"{name} of {user_id}"}]
            await asyncio.sleep(60)
        finally:
            self.ended.append(name)

    async def endpoint(self, websocket: WebSocket) -> None:
        await self.manager.serve(websocket, websocket.path_params["client_id"])


@pytest.fixture
def house(logs: ReleaseLogs) -> House:
    return House(logs)


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    with TestClient(house.app) as client:
        yield client


def _log_in(socket: Any, name: str = "ann") -> None:
    socket.send_json({"type": "auth", "token": name})
    assert socket.receive_json()["type"] == "ready"


def _closed_with(socket: Any) -> int:
    with pytest.raises(WebSocketDisconnect) as closed:
        while True:
            socket.receive_json()
    return closed.value.code


def _in_loop(client: TestClient, work: Any, *args: Any) -> None:
    async def run() -> None:
        work(*args)

    client.portal.call(run)


def test_a_token_in_the_first_frame_opens_the_socket(client: TestClient):
    with client.websocket_connect("/ws/tab-1") as socket:
        socket.send_json({"type": "auth", "token": "ann"})
        answer = socket.receive_json()
        assert answer["type"] == "ready" and answer["user"] == "ann"


def test_a_program_may_send_its_token_in_the_handshake(client: TestClient):
    with client.websocket_connect("/ws/cli", headers={"Authorization": "Bearer bob"}) as socket:
        assert socket.receive_json()["user"] == "bob"


@pytest.mark.parametrize(
    "frame",
    [
        '{"type": "auth", "token": "wrong"}',
        '{"type": "auth"}',
        '{"type": "auth", "token": 3}',
        '{"type": "watch", "deployment": "ann-shop"}',
        "[]",
        "no json",
    ],
)
def test_without_a_good_token_nothing_is_sent_but_4401(client: TestClient, frame: str):
    with client.websocket_connect("/ws/x") as socket:
        socket.send_text(frame)
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 4401


def test_a_silent_handshake_is_closed_in_time(logs: ReleaseLogs):
    with TestClient(House(logs, Limits(first_frame_seconds=0.05)).app) as client:
        with client.websocket_connect("/ws/x") as socket:
            assert _closed_with(socket) == 4401


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://testserver:8081", "null", "http://testserver.evil.example", "file://"]
)
def test_a_foreign_page_is_refused_before_the_handshake(client: TestClient, origin: str):
    with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect("/ws/x", headers={"Origin": origin}):
        pass
    assert refused.value.code == 4403


def test_our_own_pages_and_allowed_ones_may_connect(logs: ReleaseLogs):
    with TestClient(House(logs, origins=("http://localhost:3000",)).app) as client:
        for origin in ("http://testserver", "http://localhost:3000"):
            with client.websocket_connect("/ws/x", headers={"Origin": origin}) as socket:
                _log_in(socket)


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        (None, "butler:8000", True),
        ("http://butler:8000", "butler:8000", True),
        ("HTTP://Butler:8000", "butler:8000", True),
        ("https://butler", "butler:443", True),
        ("http://butler", "butler", True),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("http://butler:8080", "butler:8000", False),
        ("http://butler:8000.evil.example", "butler:8000", False),
        ("http://butler:99999", "butler:8000", False),
        ("null", "", False),
        ("", "butler", False),
        ("ftp://butler", "butler", False),
    ],
)
def test_an_origin_is_ours_only_with_the_same_host_and_port(origin: str | None, host: str, same: bool):
    assert is_same_origin(origin, host) is same


def test_every_tab_follows_what_its_user_begins_and_nobody_else_s(client: TestClient, house: House):
    with (
        client.websocket_connect("/ws/a1") as first,
        client.websocket_connect("/ws/a2") as second,
        client.websocket_connect("/ws/b") as other,
    ):
        _log_in(first), _log_in(second), _log_in(other, "bob")
        _in_loop(client, house.manager.begin, 1, "ann-shop", 11)
        _in_loop(client, house.logs.publish, 11, line("building"))
        _in_loop(client, house.logs.close, 11)
        for tab in (first, second):
            event = tab.receive_json()
            assert (event["type"], event["deployment"], event["release"], event["seq"]) == ("event", "ann-shop", 11, 1)
            assert event["text"] == "building" and event["kind"] == "line"
            assert tab.receive_json() == {"type": "end", "deployment": "ann-shop", "release": 11}
        other.send_json({"type": "ping"})
        assert other.receive_json() == {"type": "pong"}


def test_watching_replays_from_the_number_given_and_then_follows(client: TestClient, house: House):
    house.logs.open(11)
    for number in range(5):
        house.logs.publish(11, line(f"l{number}"))
    with client.websocket_connect("/ws/a") as socket:
        _log_in(socket)
        socket.send_json({"type": "watch", "deployment": "ann-shop", "after": 3})
        assert socket.receive_json() == {"type": "watching", "deployment": "ann-shop", "release": 11, "after": 3}
        assert [socket.receive_json()["seq"] for _ in range(2)] == [4, 5]
        _in_loop(client, house.logs.publish, 11, line("live"))
        assert socket.receive_json()["text"] == "live"


def test_an_earlier_release_is_watched_by_its_number(client: TestClient, house: House):
    house.logs.publish(10, line("old"))
    house.logs.close(10)
    with client.websocket_connect("/ws/a") as socket:
        _log_in(socket)
        socket.send_json({"type": "watch", "deployment": "ann-shop", "release": 1})
        assert socket.receive_json()["release"] == 10
        assert socket.receive_json()["text"] == "old"
        assert socket.receive_json()["type"] == "end"


def test_a_foreign_deployment_is_answered_like_an_absent_one(client: TestClient, house: House):
    house.logs.publish(20, line("bob's"))
    with client.websocket_connect("/ws/a") as socket:
        _log_in(socket)
        answers = []
        for name in ("bob-blog", "never-was"):
            socket.send_json({"type": "watch", "deployment": name})
            answers.append(socket.receive_json())
        assert answers[0].pop("deployment") == "bob-blog" and answers[1].pop("deployment") == "never-was"
        assert answers[0] == answers[1] and answers[0]["code"] == "not-found" and answers[0]["type"] == "error"


def test_unwatching_stops_the_lines(client: TestClient, house: House):
    house.logs.open(11)
    with client.websocket_connect("/ws/a") as socket:
        _log_in(socket)
        socket.send_json({"type": "watch", "deployment": "ann-shop"})
        assert socket.receive_json()["type"] == "watching"
        socket.send_json({"type": "unwatch", "deployment": "ann-shop"})
        socket.send_json({"type": "ping"})
        assert socket.receive_json() == {"type": "pong"}
        _in_loop(client, house.logs.publish, 11, line("unseen"))
        socket.send_json({"type": "ping"})
        assert socket.receive_json() == {"type": "pong"}


def test_changes_of_a_deployment_reach_its_user_only(client: TestClient, house: House):
    with client.websocket_connect("/ws/a") as socket, client.websocket_connect("/ws/b") as other:
        _log_in(socket), _log_in(other, "bob")
        news = {"deployment": "ann-shop", "status": "success", "phase": "live", "url": "http://localhost:8080"}
        _in_loop(client, house.manager.announce, 1, news)
        assert socket.receive_json() == {"type": "deployment", **news}
        other.send_json({"type": "ping"})
        assert other.receive_json() == {"type": "pong"}


@pytest.mark.parametrize(
    "frame",
    [
        "no json",
        "[1]",
        '{"type": "dance"}',
        '{"type": "watch"}',
        '{"type": "watch", "deployment": 3}',
        '{"type": "watch", "deployment": "ann-shop", "after": -1}',
        '{"type": "watch", "deployment": "ann-shop", "release": true}',
        '{"type": "watch", "deployment": "ann-shop", "after": "1"}',
    ],
)
def test_a_frame_that_makes_no_sense_is_answered_and_survived(client: TestClient, frame: str):
    with client.websocket_connect("/ws/a") as socket:
        _log_in(socket)
        socket.send_text(frame)
        assert socket.receive_json()["code"] == "invalid-request"
        socket.send_json({"type": "ping"})
        assert socket.receive_json() == {"type": "pong"}


def test_frames_that_are_too_big_or_binary_end_the_socket(client: TestClient):
    with client.websocket_connect("/ws/a") as socket:
        _log_in(socket)
        socket.send_text("x" * 70_000)
        assert _closed_with(socket) == 1009
    with client.websocket_connect("/ws/a") as socket:
        _log_in(socket)
        socket.send_bytes(b"x")
        assert _closed_with(socket) == 1003


def test_a_user_has_at_most_ten_sockets(logs: ReleaseLogs):
    house = House(logs, Limits(sockets_per_user=2))
    with TestClient(house.app) as client:
        with client.websocket_connect("/ws/1") as one, client.websocket_connect("/ws/2") as two:
            _log_in(one), _log_in(two)
            with client.websocket_connect("/ws/3") as three:
                three.send_json({"type": "auth", "token": "ann"})
                assert _closed_with(three) == 4429
            assert house.manager.open_sockets == 2
        with client.websocket_connect("/ws/4") as four:
            _log_in(four)
    assert house.manager.open_sockets == 0
    assert Limits().sockets_per_user == 10


def test_the_server_asks_for_life_signs_and_drops_the_silent(logs: ReleaseLogs):
    limits = Limits(heartbeat_seconds=0.03, silent_seconds=0.1)
    with TestClient(House(logs, limits).app) as client, client.websocket_connect("/ws/a") as socket:
        _log_in(socket)
        for _ in range(6):
            assert socket.receive_json() == {"type": "ping"}
            socket.send_json({"type": "pong"})
        assert _closed_with(socket) == 4408


def test_an_expired_or_revoked_token_ends_the_socket(logs: ReleaseLogs):
    house = House(logs, Limits(recheck_seconds=0.05))
    house.tokens["soon"] = Viewer(1, "ann", time.time() + 0.3)
    with TestClient(house.app) as client:
        with client.websocket_connect("/ws/a") as socket:
            _log_in(socket, "soon")
            assert _closed_with(socket) == 4401
        with client.websocket_connect("/ws/a") as socket:
            _log_in(socket)
            del house.tokens["ann"]
            assert _closed_with(socket) == 4401


def test_a_fresh_token_keeps_the_socket_open_but_only_one_of_the_same_user(logs: ReleaseLogs):
    house = House(logs, Limits(recheck_seconds=0.05))
    house.tokens["soon"] = Viewer(1, "ann", time.time() + 0.5)
    with TestClient(house.app) as client, client.websocket_connect("/ws/a") as socket:
        _log_in(socket, "soon")
        _log_in(socket, "ann")
        time.sleep(0.6)
        socket.send_json({"type": "ping"})
        assert socket.receive_json() == {"type": "pong"}
        socket.send_json({"type": "auth", "token": "bob"})
        assert _closed_with(socket) == 4401


def test_a_failure_inside_ends_this_socket_only(client: TestClient, house: House, monkeypatch):
    with client.websocket_connect("/ws/a") as socket, client.websocket_connect("/ws/b") as other:
        _log_in(socket), _log_in(other, "bob")
        monkeypatch.setitem(house.releases, (1, "ann-shop"), 3)
        socket.send_json({"type": "watch", "deployment": "ann-shop"})
        assert _closed_with(socket) == 1011
        other.send_json({"type": "ping"})
        assert other.receive_json() == {"type": "pong"}


def test_stopping_the_server_tells_clients_to_come_back(client: TestClient, house: House):
    with client.websocket_connect("/ws/a") as socket:
        _log_in(socket)
        _in_loop(client, house.manager.close_all)
        assert _closed_with(socket) == 1012


class StuckSocket:
    """A client that logs in and then never reads."""

    def __init__(self) -> None:
        self.headers = {"host": "x", "authorization": "Bearer ann"}
        self.sent = 0
        self.code: int | None = None
        self.greeted = asyncio.Event()
        self.never = asyncio.Event()

    async def accept(self) -> None: ...

    async def receive(self) -> dict[str, Any]:
        await self.never.wait()
        return {}

    async def send_text(self, text: str) -> None:
        self.sent += 1
        self.greeted.set()
        if self.sent > 1:
            await self.never.wait()

    async def close(self, code: int, reason: str = "") -> None:
        self.code = code


async def test_a_client_that_never_reads_is_dropped_and_holds_up_nobody(logs: ReleaseLogs):
    house = House(logs, Limits(send_seconds=0.2))
    stuck = StuckSocket()
    serving = asyncio.create_task(house.manager.serve(stuck, "x"))  # type: ignore[arg-type]
    await asyncio.wait_for(stuck.greeted.wait(), 5)
    house.manager.begin(1, "ann-shop", 11)
    before = time.perf_counter()
    for number in range(5000):
        logs.publish(11, line(f"line {number}"))
    assert time.perf_counter() - before < 5
    async with asyncio.timeout(10):
        await serving
    assert stuck.code == 4408
    assert house.manager.open_sockets == 0
    assert not logs._open[11].bells
    assert len(logs.read(11, limit=10_000)) == 5000


def test_who_says_so_gets_many_lines_in_a_frame_of_a_bounded_size(client: TestClient, logs: ReleaseLogs):
    for number in range(450):
        logs.publish(11, Event(EventKind.LINE, Stage.BUILD, f"line {number}"))
    for _ in range(40):
        logs.publish(11, Event(EventKind.LINE, Stage.BUILD, "x" * 8000))
    logs.close(11)
    frames = []
    with client.websocket_connect("/ws/x") as socket:
        socket.send_json({"type": "auth", "token": "ann", "batch": True})
        assert socket.receive_json()["type"] == "ready"
        socket.send_json({"type": "watch", "deployment": "ann-shop", "after": 2})
        assert socket.receive_json()["type"] == "watching"
        while (text := socket.receive_text()) and (frame := json.loads(text))["type"] != "end":
            assert (frame["type"], frame["deployment"], frame["release"]) == ("events", "ann-shop", 11)
            assert len(frame["lines"]) <= 200 and len(text) < 200_000
            frames.append(frame)
    assert [line["seq"] for frame in frames for line in frame["lines"]] == list(range(3, 491))
    assert len(frames) < 20


def test_what_an_app_writes_is_followed_from_a_number_on_until_it_is_unwatched(house: House, client: TestClient):
    with client.websocket_connect("/ws/x") as socket:
        _log_in(socket)
        socket.send_json({"type": "watch", "source": "app", "deployment": "ann-shop", "after": 41})
        frame = socket.receive_json()
        line = {"seq": 42, "time": "", "text": "ann-shop of 1"}
        assert frame == {"type": "app", "deployment": "ann-shop", "lines": [line]}
        socket.send_json({"type": "unwatch", "source": "app", "deployment": "ann-shop"})
        socket.send_json({"type": "watch", "source": "app", "deployment": "bob-blog"})
        assert socket.receive_json()["code"] == "not-found"
        assert house.ended == ["ann-shop"]
