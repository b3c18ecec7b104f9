"""A request's overrides: kept with the app and each release, cleared, replaced, refused with their lines."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.api.test_deploying import REPOSITORY, deploy, eventually, failing
from tests.fake_pipeline import FakePipeline

Headers = dict[str, str]
PORT = {"run": {"port": 4000}}


@pytest.fixture
def name(client: TestClient, alice: Headers) -> str:
    """An app that was deployed with a port of its user's choice."""
    answer = deploy(client, alice, overrides=json.dumps(PORT))
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["container_name"]
    return found


def shown(client: TestClient, headers: Headers, name: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/deployments/{name}", headers=headers).json()
    return found


def put(client: TestClient, headers: Headers, name: str, body: Any) -> httpx2.Response:
    content = body if isinstance(body, str) else json.dumps(body)
    sent = {**headers, "Content-Type": "application/json"}
    return client.put(f"/deployments/{name}/overrides", content=content, headers=sent)


def test_overrides_reach_the_pipeline_and_are_shown_on_app_and_release(
    client: TestClient, alice: Headers, name: str, pipeline: FakePipeline
):
    assert pipeline.requests[-1].overrides == PORT
    assert shown(client, alice, name)["overrides"] == PORT
    [release] = client.get(f"/deployments/{name}/releases", headers=alice).json()
    assert release["overrides"] == PORT
    assert client.get(f"/deployments/{name}/releases/1", headers=alice).json()["overrides"] == PORT
    assert client.get("/deployments", headers=alice).json()[0]["overrides"] == PORT


def test_a_redeployment_keeps_them_an_empty_text_clears_them_and_others_replace_them(
    client: TestClient, alice: Headers, name: str, pipeline: FakePipeline
):
    client.post(f"/deployments/{name}/redeploy", headers=alice)
    assert pipeline.requests[-1].overrides == PORT
    deploy(client, alice, name=name)
    assert pipeline.requests[-1].overrides == PORT
    deploy(client, alice, name=name, overrides="release: migrate\n")
    assert pipeline.requests[-1].overrides == {"release": "migrate"}
    for nothing in ("", "# nothing", "{}"):
        deploy(client, alice, name=name, overrides=json.dumps(PORT))
        deploy(client, alice, name=name, overrides=nothing)
        assert pipeline.requests[-1].overrides is None
        assert shown(client, alice, name)["overrides"] is None
    first = client.get(f"/deployments/{name}/releases/1", headers=alice).json()
    assert first["overrides"] == PORT, "what a release was given stays on its record"


def test_an_app_without_overrides_has_none(client: TestClient, alice: Headers, pipeline: FakePipeline):
    name = deploy(client, alice).json()["container_name"]
    assert pipeline.requests[-1].overrides is None
    assert client.get(f"/deployments/{name}/overrides", headers=alice).json() == {
        "container_name": name,
        "release": 1,
        "pending": False,
        "overrides": None,
        "live": None,
    }


def test_a_form_without_files_may_clear_them_too(client: TestClient, alice: Headers, name: str):
    answer = client.post("/deploy", data={"git_url": REPOSITORY, "name": name, "overrides": ""}, headers=alice)
    assert answer.status_code == 200
    assert shown(client, alice, name)["overrides"] is None


def test_wrong_keys_are_refused_with_their_lines_before_anything_is_recorded(client: TestClient, alice: Headers):
    answer = deploy(client, alice, overrides="build:\n  comand: x\nrun:\n  port: many\n")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "overrides-invalid")
    assert error["lines"] == [
        "overrides:2: build.comand is not a key; did you mean build.command?",
        "overrides:4: run.port must be a whole number",
    ]
    assert client.get("/deployments", headers=alice).json() == []


@pytest.mark.parametrize("sent", [PORT, "run: {port: 4000}", json.dumps(PORT)])
def test_a_plan_takes_them_as_object_and_as_text(client: TestClient, alice: Headers, pipeline: FakePipeline, sent: Any):
    body = {"git_url": REPOSITORY, "overrides": sent}
    assert client.post("/api/plan", json=body, headers=alice).status_code == 200
    assert pipeline.requests[-1].overrides == PORT
    if isinstance(sent, str):
        assert client.post("/api/plan", data=body, headers=alice).status_code == 200
        assert pipeline.requests[-1].overrides == PORT


@pytest.mark.parametrize("sent", [None, "", {}])
def test_a_plan_goes_without_them(client: TestClient, alice: Headers, pipeline: FakePipeline, sent: Any):
    answer = client.post("/api/plan", json={"git_url": REPOSITORY, "overrides": sent}, headers=alice)
    assert (answer.status_code, pipeline.requests[-1].overrides) == (200, None)
    assert {"output", "overridable"} <= answer.json().keys()


def test_a_plan_refuses_wrong_keys_of_an_object_by_their_names(client: TestClient, alice: Headers):
    body = {"git_url": REPOSITORY, "overrides": {"run": {"prot": 1}}}
    answer = client.post("/api/plan", json=body, headers=alice)
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == "overrides: run.prot is not a key; did you mean run.port?"


def test_replaced_overrides_wait_for_the_next_deployment(
    client: TestClient, alice: Headers, name: str, pipeline: FakePipeline
):
    before = len(pipeline.requests)
    answer = put(client, alice, name, {"run": {"port": 5000}, "build": {"version": 20}})
    wanted = {"run": {"port": 5000}, "build": {"version": "20"}}
    assert answer.json() == {
        "container_name": name,
        "release": 1,
        "pending": True,
        "overrides": wanted,
        "live": PORT,
    }
    assert answer.json() == client.get(f"/deployments/{name}/overrides", headers=alice).json()
    assert (shown(client, alice, name)["overrides_pending"], len(pipeline.requests)) == (True, before)
    client.post(f"/deployments/{name}/redeploy", headers=alice)
    assert pipeline.requests[-1].overrides == wanted
    assert shown(client, alice, name)["overrides_pending"] is False
    assert put(client, alice, name, {}).json()["overrides"] is None


def test_what_was_never_live_has_nothing_pending(client: TestClient, alice: Headers, pipeline: FakePipeline):
    pipeline.failure = failing()
    name = deploy(client, alice, overrides=json.dumps(PORT)).json()["container_name"]
    view = client.get(f"/deployments/{name}/overrides", headers=alice).json()
    assert (view["release"], view["pending"], view["overrides"], view["live"]) == (None, False, PORT, None)


@pytest.mark.parametrize(
    ("body", "code", "line"),
    [
        ('{\n"run": {\n"prt": 1}}', "overrides-invalid", "overrides:3: run.prt is not a key; did you mean run.port?"),
        ("[1]", "invalid-request", "body: A JSON object is needed"),
        ("run: {port: 1}", "invalid-request", "body: A JSON object is needed"),
        ("", "invalid-request", "body: A JSON object is needed"),
        ("[" * 100_000, "invalid-request", "body: A JSON object is needed"),
    ],
)
def test_what_cannot_be_used_is_refused_and_changes_nothing(
    client: TestClient, alice: Headers, name: str, body: str, code: str, line: str
):
    answer = put(client, alice, name, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert answer.json()["error"]["lines"] == [line]
    assert shown(client, alice, name)["overrides"] == PORT


def test_somebody_else_s_overrides_are_answered_like_none(client: TestClient, alice: Headers, bob: Headers, name: str):
    assert client.get(f"/deployments/{name}/overrides", headers=bob).status_code == 404
    assert put(client, bob, name, {}).status_code == 404
    assert shown(client, alice, name)["overrides"] == PORT


def test_a_waiting_release_with_other_overrides_is_not_joined(
    client: TestClient, alice: Headers, name: str, pipeline: FakePipeline
):
    pipeline.held = True
    ask = {**alice, "Prefer": "respond-async"}
    client.post(f"/deployments/{name}/redeploy", headers=ask)
    eventually(lambda: len(pipeline.running), 1)
    waiting = client.post(f"/deployments/{name}/redeploy", headers=ask).json()["release"]
    assert client.post(f"/deployments/{name}/redeploy", headers=ask).json()["release"] == waiting
    put(client, alice, name, {"release": "migrate"})
    assert client.post(f"/deployments/{name}/redeploy", headers=ask).json()["release"] == waiting + 1
    pipeline.held = False
