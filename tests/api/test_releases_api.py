"""Releases and the host over HTTP."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

import docker_run
from robust_error_handler import Code, DeploymentFailed
from tests.fake_pipeline import COMMIT, FakePipeline

Headers = dict[str, str]
URL = "https://github.com/user/repo"


def deploy(client: TestClient, headers: Headers, **fields: Any) -> str:
    body = client.post("/deploy", data={"git_url": URL, **fields}, headers=headers).json()
    return str(body["container_name"])


def test_every_release_is_listed_with_what_became_of_it(client: TestClient, alice: Headers, pipeline: FakePipeline):
    name = deploy(client, alice)
    pipeline.failure = lambda: DeploymentFailed(Code.BUILD_FAILED, "It does not compile.", "Correct it.", ["line 3"])
    deploy(client, alice, name=name)
    answer = client.get(f"/deployments/{name}/releases", headers=alice)
    assert answer.headers["x-total-count"] == "2"
    failed, live = answer.json()
    assert (failed["number"], failed["status"], failed["is_live"], failed["trigger"]) == (2, "failed", False, "deploy")
    assert failed["error"] == {
        "code": "build-failed",
        "message": "It does not compile.",
        "hint": "Correct it.",
        "lines": ["line 3"],
    }
    assert [step["state"] for step in failed["steps"]] == ["done", "failed"]
    assert (live["number"], live["status"], live["is_live"], live["error"]) == (1, "success", True, None)
    assert (live["commit_sha"], live["commit_subject"], live["commit_author"]) == (
        COMMIT.sha,
        COMMIT.subject,
        COMMIT.author,
    )
    assert live["seconds"] >= 0 and live["finished_at"] >= live["created_at"]


def test_a_release_tells_how_the_repository_was_understood(client: TestClient, alice: Headers):
    name = deploy(client, alice)
    body = client.get(f"/deployments/{name}/releases/1", headers=alice).json()
    assert (body["plan"]["framework"], body["plan"]["port"], body["url"]) == ("express", 3000, body["url"])
    assert client.get(f"/deployments/{name}/releases/2", headers=alice).status_code == 404


def test_one_that_runs_has_no_end_yet(client: TestClient, alice: Headers, pipeline: FakePipeline):
    name = deploy(client, alice)
    pipeline.held = True
    client.post("/deploy", data={"git_url": URL, "name": name}, headers={**alice, "Prefer": "respond-async"})
    newest = client.get(f"/deployments/{name}/releases?limit=1", headers=alice)
    assert (newest.json()[0]["finished_at"], newest.json()[0]["seconds"]) == (None, None)
    assert newest.headers["link"] == f'</deployments/{name}/releases?limit=1&offset=1>; rel="next"'
    pipeline.held = False


def test_the_host_tells_how_it_is(client: TestClient, alice: Headers, monkeypatch: pytest.MonkeyPatch):
    async def containers(_settings: object, **_more: object) -> list[SimpleNamespace]:
        return [SimpleNamespace(running=True), SimpleNamespace(running=False)]

    monkeypatch.setattr(docker_run, "list_containers", containers)
    body = client.get("/api/host", headers=alice).json()
    assert body["disk"]["total_bytes"] > body["disk"]["free_bytes"] > 0
    assert body["memory"]["total_bytes"] >= body["memory"]["available_bytes"] > 0
    assert (len(body["load"]), body["docker"]["version"]) == (3, "26.1.5")
    assert (body["containers"], body["deployments_in_progress"]) == ({"running": 1, "total": 2}, 0)
    assert client.get("/api/host").status_code == 401


def test_a_host_whose_docker_is_down_still_tells_the_rest(
    client: TestClient, alice: Headers, tools: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    async def down(_settings: object, **_more: object) -> list[Any]:
        raise DeploymentFailed(Code.DOCKER_DOWN, "Docker is not answering.", "Start it.")

    monkeypatch.setattr(docker_run, "list_containers", down)
    tools["docker version"] = DeploymentFailed(Code.DOCKER_DOWN, "Docker is not answering.", "Start it.")
    body = client.get("/api/host", headers=alice).json()
    assert (body["docker"]["ok"], body["docker"]["hint"], body["containers"]) == (False, "Start it.", None)
    assert body["disk"]["ok"]
