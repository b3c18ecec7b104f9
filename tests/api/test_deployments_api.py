"""`/deployments`: paging, looking, logs, destroying; and that nobody reaches what is somebody else's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from starlette.testclient import TestClient

import docker_run
from robust_error_handler import Code, CommandFailed, DeploymentFailed
from routes import app_log, app_states
from simple_pipeline import Condition
from tests.fake_pipeline import FakePipeline

Headers = dict[str, str]


def deploy(client: TestClient, headers: Headers, **fields: Any) -> dict[str, Any]:
    answer = client.post("/deploy", data={"git_url": "https://github.com/user/repo", **fields}, headers=headers)
    body: dict[str, Any] = answer.json()
    return body


# --- lists


def test_lists_are_paged_and_say_in_headers_how_to_go_on(client: TestClient, alice: Headers):
    names = [deploy(client, alice)["container_name"] for _ in range(5)]
    first = client.get("/deployments?limit=2", headers=alice)
    assert first.headers["x-total-count"] == "5"
    assert first.headers["link"] == '</deployments?limit=2&offset=2>; rel="next"'
    seen: list[str] = []
    address: str | None = "/deployments?limit=2"
    while address:
        page = client.get(address, headers=alice)
        seen += [row["container_name"] for row in page.json()]
        address = page.headers["link"][1:].partition(">")[0] if "link" in page.headers else None
    assert seen == names[::-1]


def test_a_list_asks_for_the_releases_of_all_its_apps_at_once(app: FastAPI, client: TestClient, alice: Headers):
    asked: list[str] = []
    sa.event.listen(
        app.state.database._engine, "before_cursor_execute", lambda _c, _r, statement, *_more: asked.append(statement)
    )
    counts = []
    for _ in range(2):
        deploy(client, alice)
        asked.clear()
        client.get("/deployments", headers=alice)
        counts.append(len([statement for statement in asked if "FROM release" in statement]))
    assert counts == [1, 1]


def states_of(client: TestClient, headers: Headers) -> list[str | None]:
    rows = client.get("/deployments", headers=headers).json()
    return [row["app_state"] and row["app_state"]["state"] for row in rows]


def test_a_list_tells_how_all_apps_stand_with_one_look_at_the_engine(
    client: TestClient, alice: Headers, bob: Headers, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
):
    first, second = (deploy(client, alice)["container_name"] for _ in range(2))
    deploy(client, bob)
    pipeline.states[first] = Condition.RESTARTING
    monkeypatch.setattr(app_states, "FRESH_SECONDS", 3600.0)
    assert states_of(client, alice) == ["running", "restarting"]
    assert states_of(client, bob) == ["running"] and states_of(client, alice) == ["running", "restarting"]
    assert pipeline.looks == 1
    assert client.post(f"/deployments/{second}/stop", headers=alice).status_code == 200
    assert states_of(client, alice) == ["stopped", "restarting"]
    assert pipeline.looks == 2


def test_a_list_does_not_wait_for_an_engine_that_fails_or_takes_its_time(
    client: TestClient, alice: Headers, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
):
    assert states_of(client, alice) == [] and pipeline.looks == 0
    deploy(client, alice)
    pipeline.look_failure = CommandFailed(["docker", "ps"], 1, ["no"])
    assert states_of(client, alice) == [None]
    pipeline.look_failure, pipeline.look_held = None, True
    monkeypatch.setattr(app_states, "PATIENCE_SECONDS", 0.01)
    assert states_of(client, alice) == [None]
    monkeypatch.setattr(app_states, "PATIENCE_SECONDS", 10)
    pipeline.look_held = False
    assert states_of(client, alice) == ["running"]
    assert pipeline.looks == 2


def test_a_list_without_anything_is_empty(client: TestClient, alice: Headers):
    answer = client.get("/deployments", headers=alice)
    assert (answer.json(), answer.headers["x-total-count"], "link" in answer.headers) == ([], "0", False)


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "offset=-1", f"offset={2**70}"])
def test_a_page_that_cannot_be_is_refused(client: TestClient, alice: Headers, query: str):
    answer = client.get(f"/deployments?{query}", headers=alice)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid-request")


# --- logs


def test_a_deployment_s_log_is_numbered_and_goes_on_where_one_left_off(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    pipeline.says = ("compiling", "linking")
    name = deploy(client, alice)["container_name"]
    log = client.get(f"/deployments/{name}/logs", headers=alice).json()
    assert (log["container_name"], log["source"], log["release"], log["closed"]) == (name, "deploy", 1, True)
    assert [line["seq"] for line in log["lines"]] == list(range(1, len(log["lines"]) + 1))
    assert log["next"] == log["lines"][-1]["seq"]
    assert [line["text"] for line in log["lines"] if line["kind"] == "line"] == ["compiling", "linking"]
    part = client.get(f"/deployments/{name}/logs?after=2&limit=3", headers=alice).json()
    assert [line["seq"] for line in part["lines"]] == [3, 4, 5] and not part["closed"]
    rest = client.get(f"/deployments/{name}/logs?after={part['next']}", headers=alice).json()
    assert rest["lines"] == log["lines"][5:]


def test_a_log_is_plain_text_for_whoever_asks_for_it(client: TestClient, alice: Headers, pipeline: FakePipeline):
    pipeline.says = ("compiling",)
    name = deploy(client, alice)["container_name"]
    answer = client.get(f"/deployments/{name}/logs", headers={**alice, "Accept": "text/plain"})
    assert answer.headers["content-type"].startswith("text/plain") and "\ncompiling\n" in answer.text


def test_the_log_of_an_earlier_release_stays_readable(client: TestClient, alice: Headers, pipeline: FakePipeline):
    pipeline.says = ("first words",)
    name = deploy(client, alice)["container_name"]
    pipeline.says = ("second words",)
    deploy(client, alice, name=name)
    texts = [client.get(f"/deployments/{name}/logs{query}", headers=alice).text for query in ("?release=1", "")]
    assert "first words" in texts[0] and "second words" in texts[1] and "second words" not in texts[0]
    assert client.get(f"/deployments/{name}/logs?release=9", headers=alice).status_code == 404


@dataclass
class State:
    """What is asked of a container's state here."""

    id: str
    name: str
    labels: dict[str, str]


def test_the_app_s_own_log_is_shown_without_its_secrets(
    client: TestClient, alice: Headers, monkeypatch: pytest.MonkeyPatch
):
    files = {"git_url": (None, "https://github.com/user/repo"), "backend_env": ("env", b"KEY=very-secret-value\n")}
    name = client.post("/deploy", files=files, headers=alice).json()["container_name"]

    async def containers(_settings: object, *, app: str) -> list[State]:
        return [State(f"id-{one}", f"{app}-{one}", {"com.docker.compose.service": one}) for one in ("db", "web")]

    async def lines(container: str, _settings: object, *, tail: int) -> list[str]:
        return [f"{container} says very-secret-value"] * 3

    monkeypatch.setattr(docker_run, "list_containers", containers)
    monkeypatch.setattr(docker_run, "log_lines", lines)
    log = client.get(f"/deployments/{name}/logs?source=app&limit=4", headers=alice).json()
    assert [line["text"] for line in log["lines"]] == ["db | id-db says ***"] + ["web | id-web says ***"] * 3
    assert (log["source"], log["release"], log["closed"]) == ("app", None, False)


def test_what_an_app_writes_is_followed_with_numbers_and_signs_of_life_until_it_has_ended(
    client: TestClient, alice: Headers, monkeypatch: pytest.MonkeyPatch
):
    files = {"git_url": (None, "https://github.com/user/repo"), "backend_env": ("env", b"KEY=very-secret-value\n")}
    name = client.post("/deploy", files=files, headers=alice).json()["container_name"]
    asked: dict[str, Any] = {}

    async def containers(_settings: object, **_more: object) -> list[State]:
        return []

    async def follow_app(app: str, _settings: object, **how: Any) -> AsyncIterator[list[docker_run.AppLine]]:
        asked.update(how, app=app)
        yield [docker_run.AppLine(7, "2024-01-15T10:30:00Z", "one very-secret-value", "web")]
        await asyncio.sleep(0.2)
        yield []
        yield [docker_run.AppLine(9, "2024-01-15T10:30:01Z", "two")]

    monkeypatch.setattr(docker_run, "list_containers", containers)
    monkeypatch.setattr(docker_run, "follow_app", follow_app)
    monkeypatch.setattr(app_log, "HEARTBEAT_SECONDS", 0.01)
    answer = client.get(f"/deployments/{name}/logs/live?tail=5", headers=alice)
    lines = answer.text.splitlines()
    assert [json.loads(line) for line in lines if line] == [
        {"seq": 7, "time": "2024-01-15T10:30:00Z", "service": "web", "text": "one ***"},
        {"seq": 9, "time": "2024-01-15T10:30:01Z", "service": "", "text": "two"},
    ]
    assert lines[1] == ""
    assert asked == {"app": name, "after": 0, "tail": 5, "until_ended": True}


def test_where_docker_does_not_answer_the_server_is_to_blame(
    client: TestClient, alice: Headers, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
):
    name = deploy(client, alice)["container_name"]

    async def down(*_args: object, **_more: object) -> Any:
        raise DeploymentFailed(Code.DOCKER_DOWN, "Docker is not answering.", "Start it.")

    async def broken(*_args: object, **_more: object) -> Any:
        raise CommandFailed(["docker", "ps"], 1, ["no"])

    for failure in (down, broken):
        monkeypatch.setattr(docker_run, "list_containers", failure)
        answer = client.get(f"/deployments/{name}/logs?source=app", headers=alice)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "docker-down")
    pipeline.destroy_failure = lambda: DeploymentFailed(Code.DOCKER_DOWN, "Docker is not answering.", "Start it.")
    assert client.delete(f"/deployments/{name}", headers=alice).status_code == 503
    assert client.get(f"/deployments/{name}", headers=alice).status_code == 200
    pipeline.destroy_failure = None
    assert client.delete(f"/deployments/{name}", headers=alice).status_code == 200


# --- destroying


def test_what_is_destroyed_is_gone(app: FastAPI, client: TestClient, alice: Headers, pipeline: FakePipeline):
    body = deploy(client, alice)
    name = body["container_name"]
    log = app.state.settings.log_dir / f"{body['release_id']}.ndjson"
    assert log.exists()
    answer = client.delete(f"/deployments/{name}", headers=alice)
    assert (answer.status_code, answer.json()) == (200, {"message": "Deployment destroyed.", "container_name": name})
    assert pipeline.destroyed == [name] and not log.exists()
    assert client.get(f"/deployments/{name}", headers=alice).status_code == 404
    assert client.delete(f"/deployments/{name}", headers=alice).status_code == 404
    assert client.get("/deployments", headers=alice).json() == []


# --- what is somebody else's

MATRIX: dict[tuple[str, str], list[str]] = {
    ("GET", "/deployments/{name}"): [""],
    ("DELETE", "/deployments/{name}"): [""],
    ("POST", "/deployments/{name}/cancel"): [""],
    ("GET", "/deployments/{name}/logs"): ["", "?source=app", "?release=1", "?after=3"],
    ("POST", "/deployments/{name}/stop"): [""],
    ("POST", "/deployments/{name}/start"): [""],
    ("POST", "/deployments/{name}/restart"): [""],
    ("POST", "/deployments/{name}/redeploy"): [""],
    ("GET", "/deployments/{name}/env"): ["", "?reveal=true"],
    ("PATCH", "/deployments/{name}/env"): [""],
    ("PUT", "/deployments/{name}/env"): [""],
    ("GET", "/deployments/{name}/env/example"): [""],
    ("GET", "/deployments/{name}/overrides"): [""],
    ("PUT", "/deployments/{name}/overrides"): [""],
    ("GET", "/deployments/{name}/releases"): ["", "?offset=1"],
    ("GET", "/deployments/{name}/releases/{number}"): [""],
    ("GET", "/deployments/{name}/logs/live"): ["", "?tail=0"],
}
"""Every route that names something, with the questions asked of it."""

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH", "/deployments/{name}/env"): {"set": {"A": "1"}},
    ("PUT", "/deployments/{name}/env"): {"backend": {"A": "1"}},
    ("PUT", "/deployments/{name}/overrides"): {"run": {"port": 1}},
}

NOTHING_OF_ANYBODY = {
    ("GET", "/api/github/repos/{owner}/{repo}/branches"),  # GitHub's, asked with the caller's own token
    ("GET", "/api/github/repos/{owner}/{repo}/contents"),
    ("GET", "/applications/{name}"),  # the same page for all; what it shows it asks the routes above for
    ("HEAD", "/applications/{name}"),
    ("WEBSOCKET", "/ws/{client_id}"),  # the client's own label; tests/api/test_websocket.py asks for others' logs
}


def routes_with_names(routes: Any) -> Iterator[tuple[str, str]]:
    for route in routes:
        inner = getattr(route, "original_router", route)
        if "{" in getattr(route, "path", ""):
            for method in getattr(route, "methods", None) or {"WEBSOCKET"}:
                yield method, route.path
        else:
            yield from routes_with_names(getattr(inner, "routes", None) or ())


def test_every_route_that_names_something_is_tried_across_users(app: FastAPI):
    found = set(routes_with_names(app.routes))
    assert found - NOTHING_OF_ANYBODY == set(MATRIX), "add the new route to MATRIX"
    assert NOTHING_OF_ANYBODY <= found


def said(answer: httpx2.Response) -> tuple[int, dict[str, Any]]:
    return answer.status_code, {**answer.json()["error"], "trace_id": ""}


@pytest.mark.parametrize(("method", "path"), sorted(MATRIX))
def test_what_is_somebody_else_s_is_answered_like_what_is_not_there(
    client: TestClient, alice: Headers, bob: Headers, pipeline: FakePipeline, method: str, path: str
):
    name = deploy(client, alice)["container_name"]
    for question in MATRIX[method, path]:
        address, body = path.replace("{number}", "1") + question, BODIES.get((method, path))
        foreign = client.request(method, address.replace("{name}", name), headers=bob, json=body)
        absent = client.request(method, address.replace("{name}", "never-was"), headers=bob, json=body)
        assert said(foreign) == said(absent) and foreign.status_code == 404
        assert name not in foreign.text
    assert client.get(f"/deployments/{name}", headers=alice).json()["status"] == "success"
    assert (pipeline.destroyed, pipeline.deeds) == ([], [])


def test_a_container_that_is_no_app_of_ours_cannot_be_destroyed(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    for name in ("postgres", "butler", "..%2F..%2Fetc", "x" * 128, "%00"):
        assert client.delete(f"/deployments/{name}", headers=alice).status_code in (404, 405)
    assert pipeline.destroyed == []


def test_a_list_holds_one_s_own_apps_only(client: TestClient, alice: Headers, bob: Headers):
    deploy(client, alice)
    assert client.get("/deployments", headers=bob).json() == []
    assert client.get("/deployments", headers=bob).headers["x-total-count"] == "0"
