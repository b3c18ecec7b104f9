"""Stop, start, restart, redeploy over HTTP: idempotent, in turn, and with a record that tells the truth."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from domain import Phase, Status
from robust_error_handler import Code, DeploymentFailed
from simple_pipeline import Condition
from tests.fake_pipeline import FakePipeline

Headers = dict[str, str]
URL = "https://github.com/user/repo"


def deploy(client: TestClient, headers: Headers, **fields: Any) -> str:
    answer = client.post("/deploy", data={"git_url": URL, **fields}, headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["container_name"])


def do(client: TestClient, headers: Headers, name: str, deed: str, **more: str) -> dict[str, Any]:
    answer = client.post(f"/deployments/{name}/{deed}", headers={**headers, **more})
    return {"status_code": answer.status_code, "headers": answer.headers, **answer.json()}


def view(client: TestClient, headers: Headers, name: str) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"/deployments/{name}", headers=headers).json()
    return body


def stands(client: TestClient, headers: Headers, name: str) -> tuple[str, str, str]:
    body = view(client, headers, name)
    return body["status"], body["phase"], body["app_state"]["state"]


def crashed() -> Exception:
    return DeploymentFailed(
        Code.CRASHED_AT_START, "It ended with code 1: very-secret-value.", "See.", ["very-secret-value"]
    )


def until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- stop and start


def test_an_app_is_stopped_and_started_again(client: TestClient, alice: Headers, pipeline: FakePipeline):
    name = deploy(client, alice)
    stopped = do(client, alice, name, "stop")
    assert (stopped["status_code"], stopped["message"], stopped["changed"]) == (200, "Stopped.", True)
    assert stopped["deployment"]["stopped_at"] and stands(client, alice, name) == ("success", "stopped", "stopped")
    started = do(client, alice, name, "start")
    assert (started["message"], started["changed"], started["deployment"]["stopped_at"]) == ("Started.", True, None)
    assert stands(client, alice, name) == ("success", "live", "running")
    assert pipeline.deeds == [f"stop {name}", f"start {name}"]


def test_asking_twice_changes_nothing_the_second_time(client: TestClient, alice: Headers, pipeline: FakePipeline):
    name = deploy(client, alice)
    assert do(client, alice, name, "start") | {"deployment": 0, "headers": 0} == {
        "status_code": 200,
        "message": "Already running.",
        "container_name": name,
        "changed": False,
        "deployment": 0,
        "headers": 0,
    }
    since = do(client, alice, name, "stop")["deployment"]["stopped_at"]
    again = do(client, alice, name, "stop")
    assert (again["message"], again["changed"]) == ("Already stopped.", False)
    assert again["deployment"]["stopped_at"] == since and pipeline.deeds == [f"stop {name}"]


def test_a_restart_of_a_stopped_app_starts_it(client: TestClient, alice: Headers):
    name = deploy(client, alice)
    do(client, alice, name, "stop")
    assert do(client, alice, name, "restart")["message"] == "Restarted."
    assert stands(client, alice, name) == ("success", "live", "running")


def test_a_live_app_that_ended_can_be_started(client: TestClient, alice: Headers, pipeline: FakePipeline):
    name = deploy(client, alice)
    pipeline.states[name] = Condition.EXITED
    assert stands(client, alice, name) == ("success", "live", "exited")
    assert do(client, alice, name, "start")["changed"]


def test_one_that_prefers_not_to_wait_is_answered_at_once(client: TestClient, alice: Headers, pipeline: FakePipeline):
    name = deploy(client, alice)
    pipeline.deed_held = True
    answer = do(client, alice, name, "restart", Prefer="respond-async")
    assert (answer["status_code"], answer["message"], answer["changed"]) == (202, "Restarting.", None)
    assert answer["headers"]["location"] == f"/deployments/{name}"
    until(lambda: view(client, alice, name)["phase"] == "start")
    assert view(client, alice, name)["status"] == "starting"
    pipeline.deed_held = False
    until(lambda: view(client, alice, name)["phase"] == "live")


# --- what cannot be


def test_an_app_that_was_never_live_has_nothing_to_stop_or_start(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    pipeline.failure = crashed
    client.post("/deploy", data={"git_url": URL}, headers=alice)
    name = client.get("/deployments", headers=alice).json()[0]["container_name"]
    for deed in ("stop", "start", "restart"):
        answer = do(client, alice, name, deed)
        assert (answer["status_code"], answer["error"]["code"]) == (409, "conflict")
        assert "never been live" in answer["error"]["message"]


def test_an_app_that_is_being_deployed_is_left_alone(client: TestClient, alice: Headers, pipeline: FakePipeline):
    name = deploy(client, alice)
    pipeline.held = True
    client.post("/deploy", data={"git_url": URL, "name": name}, headers={**alice, "Prefer": "respond-async"})
    for deed in ("stop", "start", "restart"):
        answer = do(client, alice, name, deed)
        assert answer["status_code"] == 409 and "/cancel" in answer["error"]["hint"]
    client.post(f"/deployments/{name}/cancel", headers=alice)
    pipeline.held = False
    assert do(client, alice, name, "stop")["status_code"] == 200


def test_a_container_that_is_gone_cannot_be_started_and_the_remedy_is_named(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    name = deploy(client, alice)
    pipeline.states[name] = Condition.MISSING
    answer = do(client, alice, name, "start")
    assert answer["status_code"] == 409 and f"/deployments/{name}/redeploy" in answer["error"]["hint"]
    assert stands(client, alice, name) == ("success", "live", "missing")


# --- what goes wrong


def test_a_start_that_fails_leaves_the_app_stopped_and_says_why(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    files = {"git_url": (None, URL), "backend_env": ("env", b"KEY=very-secret-value\n")}
    name = client.post("/deploy", files=files, headers=alice).json()["container_name"]
    do(client, alice, name, "stop")
    pipeline.deed_failure = crashed
    answer = do(client, alice, name, "start")
    assert (answer["status_code"], answer["error"]["code"]) == (422, "crashed-at-start")
    assert answer["error"]["lines"] == ["***"]
    assert stands(client, alice, name) == ("failed", "stopped", "stopped")
    body = view(client, alice, name)
    assert body["stopped_at"] and body["error"]["code"] == "crashed-at-start"
    assert "very-secret-value" not in str(answer) + str(body)
    pipeline.deed_failure = None
    assert do(client, alice, name, "start")["deployment"]["error"] is None
    assert stands(client, alice, name) == ("success", "live", "running")


def test_a_restart_after_which_it_runs_without_answering_is_a_failure_that_runs(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    name = deploy(client, alice)
    pipeline.deed_failure = crashed
    assert do(client, alice, name, "restart")["status_code"] == 422
    assert stands(client, alice, name) == ("failed", "failed", "running")
    assert view(client, alice, name)["stopped_at"] is None
    pipeline.deed_failure = None
    assert do(client, alice, name, "start")["message"] == "Started."
    assert stands(client, alice, name) == ("success", "live", "running")


def test_a_failure_that_nobody_knows_does_not_leave_the_record_starting(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    name = deploy(client, alice)
    pipeline.deed_failure = lambda: RuntimeError("boom")
    answer = do(client, alice, name, "restart")
    assert (answer["status_code"], answer["error"]["code"]) == (500, "internal") and "boom" not in str(answer)
    assert view(client, alice, name)["phase"] == "failed"


def test_a_stop_that_docker_does_not_carry_out_is_not_on_record(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    name = deploy(client, alice)
    pipeline.deed_failure = lambda: DeploymentFailed(Code.DOCKER_DOWN, "Docker is not answering.", "Start it.")
    assert do(client, alice, name, "stop")["status_code"] == 503
    assert stands(client, alice, name) == ("success", "live", "running")
    assert view(client, alice, name)["stopped_at"] is None


# --- destroying and restarting the Butler


def test_a_stopped_app_can_be_destroyed_and_so_can_one_that_is_starting(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    name = deploy(client, alice)
    do(client, alice, name, "stop")
    pipeline.deed_held = True
    answers: list[dict[str, Any]] = []
    waiting = threading.Thread(target=lambda: answers.append(do(client, alice, name, "start")))
    waiting.start()
    until(lambda: f"start {name}" in pipeline.deeds)
    assert client.delete(f"/deployments/{name}", headers=alice).status_code == 200
    waiting.join(10)
    assert answers[0]["status_code"] == 409 and pipeline.destroyed == [name]
    assert client.get(f"/deployments/{name}", headers=alice).status_code == 404


def test_a_start_that_the_end_of_the_process_cut_off_is_settled(app: FastAPI, client: TestClient, alice: Headers):
    name = deploy(client, alice)
    do(client, alice, name, "stop")
    row = app.state.database.deployments.by_name(name)
    app.state.database.deployments.move(row.id, Status.STARTING, Phase.QUEUED)
    client.portal.call(app.state.butler.jobs.recover)
    assert stands(client, alice, name) == ("success", "stopped", "stopped")


# --- redeploying


def test_a_redeploy_takes_the_same_source_and_the_variables_as_they_are_now(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    files = {"git_url": (None, URL), "branch": (None, "dev"), "backend_env": ("env", b"A=1\n")}
    name = client.post("/deploy", files=files, headers=alice).json()["container_name"]
    client.patch(f"/deployments/{name}/env", json={"set": {"A": "2"}}, headers=alice)
    answer = do(client, alice, name, "redeploy")
    assert (answer["status_code"], answer["message"], answer["release"]) == (200, "Deployment successful!", 2)
    first, second = pipeline.requests
    assert (second.git_url, second.branch, second.container_name) == (first.git_url, "dev", name)
    assert (dict(first.backend_env), dict(second.backend_env)) == ({"A": "1"}, {"A": "2"})
    assert client.get(f"/deployments/{name}/releases/2", headers=alice).json()["trigger"] == "redeploy"


def test_a_redeploy_of_a_stopped_app_puts_it_live(client: TestClient, alice: Headers):
    name = deploy(client, alice)
    do(client, alice, name, "stop")
    assert do(client, alice, name, "redeploy")["status"] == "success"
    assert stands(client, alice, name) == ("success", "live", "running")


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_redeploy_of_a_stopped_app_that_comes_to_nothing_leaves_it_stopped(
    client: TestClient, alice: Headers, pipeline: FakePipeline, cancelled: bool
):
    name = deploy(client, alice)
    do(client, alice, name, "stop")
    if cancelled:
        pipeline.held = True
        do(client, alice, name, "redeploy", Prefer="respond-async")
        until(lambda: bool(pipeline.running))
        assert client.post(f"/deployments/{name}/cancel", headers=alice).status_code == 200
    else:
        pipeline.failure = crashed
        answer = do(client, alice, name, "redeploy")
        assert (answer["status_code"], answer["container_name"], answer["release"]) == (422, name, 2)
    assert stands(client, alice, name) == ("success", "stopped", "stopped")


def test_two_redeploys_that_wait_are_one_unless_something_was_edited_between(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    name = deploy(client, alice)
    pipeline.held = True

    def redeploy() -> int:
        return int(do(client, alice, name, "redeploy", Prefer="respond-async")["release"])

    running = redeploy()
    until(lambda: bool(pipeline.running))
    waiting = redeploy()
    assert (running, waiting, redeploy()) == (2, 3, 3)
    client.patch(f"/deployments/{name}/env", json={"set": {"A": "2"}}, headers=alice)
    assert redeploy() == 4
    pipeline.held = False
    until(lambda: view(client, alice, name)["live_release"] == 4)


def test_lifecycle_changes_are_told_to_the_user_s_watchers(client: TestClient, alice: Headers):
    name = deploy(client, alice)
    with client.websocket_connect("/ws/tab", headers=alice) as socket:
        socket.receive_json()
        do(client, alice, name, "stop")
        told = socket.receive_json()
        while told.get("phase") != "stopped":
            told = socket.receive_json()
        assert (told["deployment"], told["status"]) == (name, "success")
