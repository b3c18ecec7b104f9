"""`/ws/{client_id}` of the whole application: real accounts, real records, the log of real releases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from domain import Event, EventKind, Stage
from robust_logging import redactor

Register = Callable[..., dict[str, Any]]


def _release(app: FastAPI, client: TestClient, session: dict[str, Any], name: str) -> int:
    """A release of this user's own app, entered as a deployment enters it."""
    user_id = client.get("/api/auth/me", headers=session["headers"]).json()["id"]
    database = app.state.butler.database
    row = database.deployments.create(user_id, container_name=name, git_url="https://github.com/acme/shop")
    return int(database.releases.create(row.id).id)


def _log_in(socket: Any, session: dict[str, Any]) -> None:
    socket.send_json({"type": "auth", "token": session["access_token"]})
    assert socket.receive_json()["type"] == "ready"


def _closed_with(socket: Any) -> int:
    with pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_json()
    return closed.value.code


def test_a_user_s_token_opens_the_socket_and_shows_his_log(app: FastAPI, client: TestClient, register: Register):
    alice = register()
    release = _release(app, client, alice, "acme-shop-1")
    logs = app.state.butler.logs
    logs.publish(release, Event(EventKind.LINE, Stage.BUILD, "first"))
    logs.publish(release, Event(EventKind.DONE, Stage.RECORD, "done", None, {"url": "http://localhost:8080"}))
    logs.close(release)
    with client.websocket_connect("/ws/tab") as socket:
        _log_in(socket, alice)
        socket.send_json({"type": "watch", "deployment": "acme-shop-1", "after": 1})
        assert socket.receive_json()["type"] == "watching"
        event = socket.receive_json()
        assert (event["seq"], event["kind"], event["detail"]) == (2, "done", {"url": "http://localhost:8080"})
        assert socket.receive_json()["type"] == "end"


def test_a_program_may_bring_its_token_in_the_handshake(client: TestClient, register: Register):
    alice = register()
    with client.websocket_connect("/ws/cli", headers=alice["headers"]) as socket:
        assert socket.receive_json()["user"] == "alice"


def test_another_user_s_deployment_is_not_there(app: FastAPI, client: TestClient, register: Register):
    alice, bob = register(), register("bobby")
    _release(app, client, alice, "acme-shop-2")
    with client.websocket_connect("/ws/tab") as socket:
        _log_in(socket, bob)
        answers = []
        for name in ("acme-shop-2", "never-was"):
            socket.send_json({"type": "watch", "deployment": name})
            answers.append({**socket.receive_json(), "deployment": ""})
        assert answers[0] == answers[1] and answers[0]["code"] == "not-found"


def test_a_token_that_is_no_longer_good_opens_nothing(client: TestClient, register: Register):
    alice = register()
    assert client.post("/api/auth/logout", headers=alice["headers"]).status_code == 204
    for token in (alice["access_token"], "", "x.y.z", alice["access_token"][:-2] + "xx"):
        with client.websocket_connect("/ws/tab") as socket:
            socket.send_json({"type": "auth", "token": token})
            assert _closed_with(socket) == 4401


def test_a_renewal_token_is_not_an_access_token(client: TestClient, register: Register):
    alice = register()
    with client.websocket_connect("/ws/tab") as socket:
        socket.send_json({"type": "auth", "token": alice["refresh_token"]})
        assert _closed_with(socket) == 4401


def test_a_token_in_the_address_is_not_even_looked_at(client: TestClient, register: Register):
    alice = register()
    with client.websocket_connect(f"/ws/tab?token={alice['access_token']}") as socket:
        socket.send_json({"type": "ping"})
        assert _closed_with(socket) == 4401


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:8081", "null"])
def test_a_page_of_another_host_or_port_cannot_connect(client: TestClient, origin: str):
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws/x", headers={"Origin": origin}):
        pass


def test_a_secret_of_a_deployment_does_not_reach_its_log(app: FastAPI, client: TestClient, register: Register):
    alice = register()
    release = _release(app, client, alice, "acme-shop-3")
    logs = app.state.butler.logs
    with redactor.hiding(["very-secret-value"]):
        logs.publish(release, Event(EventKind.LINE, Stage.BUILD, "key=very-secret-value"))
    logs.close(release)
    with client.websocket_connect("/ws/tab", headers=alice["headers"]) as socket:
        socket.receive_json()
        socket.send_json({"type": "watch", "deployment": "acme-shop-3"})
        socket.receive_json()
        assert socket.receive_json()["text"] == "key=***"
