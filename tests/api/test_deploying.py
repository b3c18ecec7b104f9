"""`POST /deploy` and `POST /api/plan`: the document's answers, env files, failures, redeployment, answers at once."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from robust_error_handler import Code, DeploymentFailed
from tests.fake_pipeline import FakePipeline

REPOSITORY = "https://github.com/user/repo.git"
Headers = dict[str, str]


def deploy(client: TestClient, headers: Headers, *, at_once: bool = False, **fields: Any) -> httpx2.Response:
    """Send a deployment as the browser does; a value of bytes is a file."""
    parts = {"git_url": REPOSITORY, **fields}
    files = [
        (name, (f"{name}.txt", value) if isinstance(value, bytes) else (None, value)) for name, value in parts.items()
    ]
    more = {"Prefer": "respond-async"} if at_once else {}
    return client.post("/deploy", files=files, headers={**headers, **more})


def eventually(ask: Callable[[], Any], wanted: Any) -> None:
    deadline = time.monotonic() + 5
    while (found := ask()) != wanted:
        assert time.monotonic() < deadline, f"{found!r} did not become {wanted!r}"
        time.sleep(0.02)


def failing(*lines: str) -> Callable[[], Exception]:
    return lambda: DeploymentFailed(Code.BUILD_FAILED, "The build failed.", "Read its last lines.", lines)


# --- the document's answers


def test_a_deployment_answers_with_the_document_s_fields(client: TestClient, alice: Headers):
    answer = deploy(client, alice)
    assert answer.status_code == 200
    body = answer.json()
    assert body["message"] == "Deployment successful!"
    assert body["deployed_url"].startswith("http://localhost:")
    assert body["container_name"].startswith("user-repo-") and len(body["container_name"]) == len("user-repo-a1b2c3d4")
    assert body["trace_id"] == answer.headers["x-request-id"]
    assert (body["status"], body["release"]) == ("success", 1)
    assert body["deployment"]["release_id"] == body["release_id"]


def test_a_deployed_app_is_listed_with_the_document_s_fields(client: TestClient, alice: Headers):
    name = deploy(client, alice).json()["container_name"]
    [row] = client.get("/deployments", headers=alice).json()
    assert (row["container_name"], row["git_url"], row["status"]) == (
        name,
        "https://github.com/user/repo.git",
        "success",
    )
    assert isinstance(row["id"], int) and row["deployed_url"].startswith("http://localhost:")
    assert row["created_at"][:4].isdigit()
    assert (row["phase"], row["framework"], row["container_port"]) == ("live", "express", 3000)
    assert [step["stage"] for step in row["steps"]] == ["clone", "build", "start", "record"]
    assert {step["state"] for step in row["steps"]} == {"done"}
    assert row["commit_sha"].startswith("0123") and row["error"] is None


def test_status_words_are_the_document_s(client: TestClient, alice: Headers, pipeline: FakePipeline):
    words = []
    pipeline.held = True
    name = deploy(client, alice, at_once=True).json()["container_name"]
    words.append(client.get(f"/deployments/{name}", headers=alice).json()["status"])
    pipeline.held = False
    eventually(lambda: client.get(f"/deployments/{name}", headers=alice).json()["status"], "success")
    words.append("success")
    pipeline.failure = failing()
    words.append(
        client.get(f"/deployments/{deploy(client, alice).json()['container_name']}", headers=alice).json()["status"]
    )
    assert words == ["starting", "success", "failed"]


def test_whoever_prefers_it_gets_the_record_at_once(client: TestClient, alice: Headers, pipeline: FakePipeline):
    pipeline.held = True
    answer = deploy(client, alice, at_once=True)
    body = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/deployments/{body['container_name']}"
    assert (body["message"], body["status"], body["deployed_url"]) == ("Deployment started.", "starting", None)
    pipeline.held = False
    eventually(lambda: client.get(answer.headers["location"], headers=alice).json()["phase"], "live")


def test_a_deployment_needs_an_address(client: TestClient, alice: Headers):
    answer = client.post("/deploy", headers=alice, files={"branch": (None, "main")})
    assert answer.status_code == 422
    assert answer.json()["error"]["lines"] == ["git_url: Field required"]


@pytest.mark.parametrize(
    "fields",
    [
        {"git_url": "https://github.com/user/repo;id"},
        {"git_url": "ext::sh -c id"},
        {"git_url": "file:///etc"},
        {"git_url": "--upload-pack=id"},
        {"branch": "--help"},
        {"branch": "a..b"},
        {"subdirectory": "../../etc"},
    ],
)
def test_what_cannot_be_deployed_is_refused_before_anything_is_recorded(
    client: TestClient, alice: Headers, pipeline: FakePipeline, fields: dict[str, str]
):
    answer = deploy(client, alice, **fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid-request")
    assert client.get("/deployments", headers=alice).json() == [] and pipeline.requests == []


# --- env files


def test_env_files_reach_the_run_and_the_build(client: TestClient, alice: Headers, pipeline: FakePipeline):
    deploy(client, alice, backend_env=b"DATABASE_URL=postgres://db\n", frontend_env=b'VITE_TITLE="My shop"\n')
    [request] = pipeline.requests
    assert dict(request.backend_env) == {"DATABASE_URL": "postgres://db"}
    assert dict(request.frontend_env) == {"VITE_TITLE": "My shop"}


def test_mistakes_in_an_env_file_are_told_by_line_and_without_values(client: TestClient, alice: Headers):
    answer = deploy(client, alice, backend_env=b"GOOD=1\n\nBAD-NAME=hush\nGOOD=hush2\nNOTHING\n")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid-env-file")
    assert [line.partition(":")[0] for line in error["lines"]] == ["line 3", "line 4", "line 5"]
    assert "backend_env has 3 mistakes" in error["message"] and "hush" not in answer.text
    assert client.get("/deployments", headers=alice).json() == []


def test_the_file_name_of_an_env_file_means_nothing(client: TestClient, alice: Headers):
    files = {"git_url": (None, REPOSITORY), "backend_env": ("../../../etc/cron.d/x", b"A=1\n")}
    assert client.post("/deploy", files=files, headers=alice).status_code == 200


def test_an_env_file_that_is_not_text_is_refused(client: TestClient, alice: Headers):
    answer = deploy(client, alice, frontend_env=b"A=\xff\xfe")
    assert answer.json()["error"]["code"] == "invalid-env-file" and "frontend_env" in answer.json()["error"]["message"]


def test_variables_are_in_no_answer(client: TestClient, alice: Headers):
    name = deploy(client, alice, backend_env=b"KEY=very-secret-value\n").json()["container_name"]
    for path in ("/deployments", f"/deployments/{name}", f"/deployments/{name}/logs"):
        assert "very-secret-value" not in client.get(path, headers=alice).text


# --- failures


def test_a_failed_deployment_answers_with_the_error_and_the_app_s_name(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    pipeline.failure = failing("npm error missing script: build")
    answer = deploy(client, alice)
    body = answer.json()
    assert answer.status_code == 422
    assert body["error"] == {
        "code": "build-failed",
        "message": "The build failed.",
        "hint": "Read its last lines.",
        "lines": ["npm error missing script: build"],
        "trace_id": answer.headers["x-request-id"],
    }
    row = client.get(f"/deployments/{body['container_name']}", headers=alice).json()
    assert (row["status"], row["phase"], row["release_id"]) == ("failed", "failed", body["release_id"])
    assert row["error"]["lines"] == ["npm error missing script: build"]
    assert row["steps"][-1] == {"stage": "build", "state": "failed", "seconds": row["steps"][-1]["seconds"]}


def test_a_secret_in_an_error_is_masked_in_the_answer_and_in_the_record(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    pipeline.failure = failing("cannot log in with very-secret-value")
    answer = deploy(client, alice, backend_env=b"KEY=very-secret-value\n")
    record = client.get("/deployments", headers=alice)
    assert answer.json()["error"]["lines"] == record.json()[0]["error"]["lines"] == ["cannot log in with ***"]


def test_an_unknown_failure_is_answered_with_a_trace_id_alone(
    client: TestClient, alice: Headers, pipeline: FakePipeline, capsys: pytest.CaptureFixture[str]
):
    pipeline.failure = lambda: RuntimeError("inner workings")
    answer = deploy(client, alice)
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal" and "inner workings" not in answer.text
    assert answer.json()["error"]["trace_id"] == answer.headers["x-request-id"]


def test_a_failed_redeployment_leaves_the_app_live(client: TestClient, alice: Headers, pipeline: FakePipeline):
    first = deploy(client, alice).json()
    pipeline.failure = failing()
    assert deploy(client, alice, name=first["container_name"]).status_code == 422
    row = client.get(f"/deployments/{first['container_name']}", headers=alice).json()
    assert (row["status"], row["deployed_url"]) == ("success", first["deployed_url"])
    assert (row["release"], row["live_release"], row["error"]["code"]) == (2, 1, "build-failed")


# --- deploying again


def test_without_a_name_each_deployment_is_a_new_app(client: TestClient, alice: Headers):
    names = {deploy(client, alice).json()["container_name"] for _ in range(2)}
    assert len(names) == 2


def test_a_redeployment_keeps_name_address_branch_folder_and_variables(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    given = {"branch": "dev", "subdirectory": "web", "backend_env": b"A=1\n", "frontend_env": b"B=2\n"}
    first = deploy(client, alice, **given).json()
    again = deploy(client, alice, name=first["container_name"]).json()
    one, two = pipeline.requests
    assert (again["container_name"], again["deployed_url"]) == (first["container_name"], first["deployed_url"])
    assert (one.release_number, two.release_number) == (1, 2)
    for part in ("container_name", "branch", "subdirectory", "backend_env", "frontend_env"):
        assert getattr(one, part) == getattr(two, part), part


def test_a_redeployment_takes_what_it_is_given(client: TestClient, alice: Headers, pipeline: FakePipeline):
    name = deploy(client, alice, branch="dev", backend_env=b"A=1\n", frontend_env=b"B=2\n").json()["container_name"]
    deploy(client, alice, name=name, branch="main", backend_env=b"C=3\n", git_url="https://github.com/user/other")
    request = pipeline.requests[-1]
    assert (request.branch, request.git_url) == ("main", "https://github.com/user/other")
    assert (dict(request.backend_env), dict(request.frontend_env)) == ({"C": "3"}, {"B": "2"})


def test_an_empty_env_file_takes_the_variables_away(client: TestClient, alice: Headers, pipeline: FakePipeline):
    name = deploy(client, alice, backend_env=b"A=1\n").json()["container_name"]
    deploy(client, alice, name=name, backend_env=b"")
    assert dict(pipeline.requests[-1].backend_env) == {}


def test_a_name_that_is_not_there_or_somebody_else_s_is_answered_alike(
    client: TestClient, alice: Headers, bob: Headers, pipeline: FakePipeline
):
    name = deploy(client, alice).json()["container_name"]
    answers = [deploy(client, bob, name=one) for one in (name, "never-was")]
    assert [answer.status_code for answer in answers] == [404, 404]
    one, other = ({**answer.json()["error"], "trace_id": ""} for answer in answers)
    assert one == other and len(pipeline.requests) == 1


def test_fields_that_are_not_the_caller_s_to_set_are_ignored(
    client: TestClient, alice: Headers, bob: Headers, pipeline: FakePipeline
):
    chosen = {"user_id": "2", "container_name": "mine", "status": "success", "host_port": "22", "deployed_url": "x"}
    body = deploy(client, alice, **chosen, id="77", trace_id="forged-trace-id").json()
    assert body["container_name"] != "mine" and body["trace_id"] != "forged-trace-id"
    row = client.get(f"/deployments/{body['container_name']}", headers=alice).json()
    assert (row["id"], row["host_port"] != 22) == (1, True)
    assert client.get("/deployments", headers=bob).json() == []
    assert pipeline.requests[0].user_id == 1


def test_deployments_of_one_user_are_limited_in_number_per_minute(app: FastAPI, client: TestClient, alice: Headers):
    limit = app.state.settings.deploys_per_minute
    answers = [client.post("/api/plan", json={"git_url": REPOSITORY}, headers=alice) for _ in range(limit + 1)]
    assert [answer.status_code for answer in answers] == [200] * limit + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


# --- clients that go away, cancelling


@pytest.fixture
def address(app: FastAPI) -> Iterator[str]:
    """The application behind a real server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        eventually(lambda: server.started, True)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


def test_a_client_that_goes_away_does_not_stop_its_deployment(address: str, pipeline: FakePipeline):
    account = {"username": "alice", "email": "a@example.org", "password": "correct horse"}
    pipeline.held = True
    with httpx2.Client(base_url=address) as client:
        token = client.post("/api/auth/register", json=account).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        with pytest.raises(httpx2.TimeoutException):
            client.post("/deploy", data={"git_url": REPOSITORY}, headers=headers, timeout=0.5)
        time.sleep(0.1)
        pipeline.held = False
        eventually(lambda: client.get("/deployments", headers=headers).json()[0]["status"], "success")
    assert pipeline.cancelled == []


def test_a_running_deployment_can_be_cancelled(client: TestClient, alice: Headers, pipeline: FakePipeline):
    pipeline.held = True
    name = deploy(client, alice, at_once=True).json()["container_name"]
    eventually(lambda: pipeline.running, [name])
    answer = client.post(f"/deployments/{name}/cancel", headers=alice)
    assert (answer.status_code, answer.json()) == (
        200,
        {"message": "Deployment cancelled.", "container_name": name},
    )
    assert pipeline.cancelled == [name]
    row = client.get(f"/deployments/{name}", headers=alice).json()
    assert (row["status"], row["error"]["code"]) == ("failed", "cancelled")


def test_what_does_not_run_cannot_be_cancelled(client: TestClient, alice: Headers):
    name = deploy(client, alice).json()["container_name"]
    answer = client.post(f"/deployments/{name}/cancel", headers=alice)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")


# --- plans


@pytest.mark.parametrize("kind", ["json", "data", "files"])
def test_a_plan_is_told_without_deploying(client: TestClient, alice: Headers, pipeline: FakePipeline, kind: str):
    fields: dict[str, Any] = {"git_url": REPOSITORY, "branch": "dev"}
    sent = {name: (None, value) for name, value in fields.items()} if kind == "files" else fields
    body = client.post("/api/plan", headers=alice, **{kind: sent}).json()
    assert (body["strategy"], body["kind"], body["framework"], body["port"]) == ("node", "node", "express", 3000)
    assert body["evidence"] == [{"field": "port", "value": "3000", "source": "server.js"}]
    assert (body["commit"], body["git_url"], body["error"]) == (
        "0123456789abcdef0123456789abcdef01234567",
        REPOSITORY,
        None,
    )
    assert pipeline.requests[0].branch == "dev"
    assert client.get("/deployments", headers=alice).json() == []


def test_a_plan_that_fails_says_why(client: TestClient, alice: Headers, pipeline: FakePipeline):
    pipeline.failure = failing()
    answer = client.post("/api/plan", json={"git_url": REPOSITORY}, headers=alice)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "build-failed")


def test_a_plan_of_something_else_than_json_or_a_form_is_refused(client: TestClient, alice: Headers):
    answer = client.post("/api/plan", content="x", headers={**alice, "Content-Type": "text/plain"})
    assert answer.status_code == 415
    assert (
        client.post("/api/plan", content=b"{", headers={**alice, "Content-Type": "application/json"}).status_code == 422
    )
