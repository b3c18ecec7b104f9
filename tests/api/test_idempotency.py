"""`Idempotency-Key`: a request that is sent again means the deployment of the first one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlmodel import select
from starlette.testclient import TestClient

from database import IdempotencyKey
from tests.api.test_deploying import deploy, eventually, failing
from tests.fake_pipeline import FakePipeline

Headers = dict[str, str]
KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


def names(client: TestClient, headers: Headers) -> list[str]:
    return [row["container_name"] for row in client.get("/deployments", headers=headers).json()]


def same(one: httpx2.Response, other: httpx2.Response) -> bool:
    kept = ("container_name", "release", "release_id", "trace_id")
    return [one.json()[name] for name in kept] == [other.json()[name] for name in kept]


def test_a_request_that_is_sent_again_gets_the_answer_of_the_first(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    first = deploy(client, {**alice, **KEY})
    again = deploy(client, {**alice, **KEY})
    assert (first.status_code, again.status_code) == (200, 200)
    assert same(first, again)
    assert again.json()["deployed_url"] == first.json()["deployed_url"] is not None
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert (len(names(client, alice)), len(pipeline.requests)) == (1, 1)


def test_without_a_key_or_with_another_one_a_new_app_is_made(client: TestClient, alice: Headers):
    deploy(client, {**alice, **KEY})
    deploy(client, alice)
    deploy(client, {**alice, "Idempotency-Key": "another"})
    assert len(names(client, alice)) == 3


def test_a_deployment_that_runs_is_joined(client: TestClient, alice: Headers, pipeline: FakePipeline):
    pipeline.held = True
    first = deploy(client, {**alice, **KEY}, at_once=True)
    again = deploy(client, {**alice, **KEY}, at_once=True)
    assert (first.status_code, again.status_code, same(first, again)) == (202, 202, True)
    assert (again.json()["status"], again.headers["location"]) == ("starting", first.headers["location"])
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(deploy, client, {**alice, **KEY})
        pipeline.held = False
        assert (waiting.result().status_code, same(first, waiting.result())) == (200, True)
    assert len(pipeline.requests) == 1


def test_a_deployment_that_failed_is_told_again_and_not_tried_again(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    pipeline.failure = failing("the last line")
    first = deploy(client, {**alice, **KEY})
    again = deploy(client, {**alice, **KEY})
    assert (first.status_code, again.status_code, again.json()) == (422, 422, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    at_once = deploy(client, {**alice, **KEY}, at_once=True)
    assert (at_once.status_code, at_once.json()["status"]) == (202, "failed")
    assert len(pipeline.requests) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"git_url": "https://github.com/user/other.git"},
        {"branch": "next"},
        {"subdirectory": "web"},
        {"backend_env": b"A=2\n"},
        {"frontend_env": b"A=1\n"},
        {"overrides": "run: {port: 1}"},
    ],
)
def test_a_key_with_other_content_is_refused(client: TestClient, alice: Headers, change: dict[str, Any]):
    fields: dict[str, Any] = {"backend_env": b"A=1\n"}
    deploy(client, {**alice, **KEY}, **fields)
    answer = deploy(client, {**alice, **KEY}, **{**fields, **change})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "idempotency-key-reused")
    assert "new key" in answer.json()["error"]["hint"]
    assert len(names(client, alice)) == 1


def test_the_keys_of_two_users_never_meet(client: TestClient, alice: Headers, bob: Headers):
    one = deploy(client, {**alice, **KEY})
    other = deploy(client, {**bob, **KEY}, branch="next")
    assert (one.status_code, other.status_code) == (200, 200)
    assert names(client, alice) == [one.json()["container_name"]]
    assert names(client, bob) == [other.json()["container_name"]]


@pytest.mark.parametrize("key", ["", "a b", "a" * 256, "käse".encode("latin-1"), b"a\tb"])
def test_a_key_is_visible_ascii_of_at_most_255_characters(client: TestClient, alice: Headers, key: str | bytes):
    answer = deploy(client, {**alice, "Idempotency-Key": key})  # type: ignore[dict-item]
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid-request")
    assert names(client, alice) == []


def test_a_key_of_255_characters_is_one(client: TestClient, alice: Headers):
    assert deploy(client, {**alice, "Idempotency-Key": "~" * 255}).status_code == 200


def test_a_request_that_was_refused_has_not_used_its_key_up(client: TestClient, alice: Headers):
    assert deploy(client, {**alice, **KEY}, branch="a..b").status_code == 422
    assert deploy(client, {**alice, **KEY}, name="nobody-s-app").status_code == 404
    assert deploy(client, {**alice, **KEY}).status_code == 200


def test_simultaneous_requests_with_one_key_make_one_app(client: TestClient, alice: Headers, pipeline: FakePipeline):
    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(lambda _: deploy(client, {**alice, **KEY}), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["container_name"] for answer in answers}) == 1
    assert (len(names(client, alice)), len(pipeline.requests)) == (1, 1)
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7


def test_after_a_day_a_key_is_new_and_its_record_is_gone(client: TestClient, app: FastAPI, alice: Headers):
    deploy(client, {**alice, **KEY})
    deploy(client, {**alice, "Idempotency-Key": "younger"})
    database = app.state.database
    with database.transaction() as session:
        row = session.exec(select(IdempotencyKey).where(IdempotencyKey.key == KEY["Idempotency-Key"])).one()
        row.created_at -= timedelta(hours=24)
    answer = deploy(client, {**alice, **KEY}, branch="next")
    assert (answer.status_code, len(names(client, alice))) == (200, 3)
    with database.transaction() as session:
        for row in session.exec(select(IdempotencyKey)).all():
            row.created_at -= timedelta(hours=25)
    database.keys.sweep()
    with database.session() as session:
        assert session.exec(select(IdempotencyKey)).all() == []


def test_the_key_of_a_destroyed_deployment_does_not_bring_it_back(client: TestClient, alice: Headers):
    name = deploy(client, {**alice, **KEY}).json()["container_name"]
    client.delete(f"/deployments/{name}", headers=alice)
    answer = deploy(client, {**alice, **KEY})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not-found")
    assert names(client, alice) == []


def test_a_redeployment_is_repeated_by_its_key_and_its_key_is_no_other_app_s(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    one, other = (deploy(client, alice).json()["container_name"] for _ in range(2))
    first = client.post(f"/deployments/{one}/redeploy", headers={**alice, **KEY})
    again = client.post(f"/deployments/{one}/redeploy", headers={**alice, **KEY})
    assert (first.status_code, again.status_code, same(first, again)) == (200, 200, True)
    assert first.json()["release"] == 2
    reused = client.post(f"/deployments/{other}/redeploy", headers={**alice, **KEY})
    assert (reused.status_code, reused.json()["error"]["code"]) == (422, "idempotency-key-reused")
    assert len(pipeline.requests) == 3


def test_the_key_of_a_request_that_joined_a_waiting_release_stands_for_it(
    client: TestClient, alice: Headers, pipeline: FakePipeline
):
    name = deploy(client, alice).json()["container_name"]
    pipeline.held = True
    ask = {**alice, "Prefer": "respond-async"}
    client.post(f"/deployments/{name}/redeploy", headers=ask)
    eventually(lambda: len(pipeline.running), 1)
    client.post(f"/deployments/{name}/redeploy", headers=ask)
    joined = client.post(f"/deployments/{name}/redeploy", headers={**ask, **KEY})
    pipeline.held = False
    eventually(lambda: client.get(f"/deployments/{name}", headers=alice).json()["live_release"], 3)
    again = client.post(f"/deployments/{name}/redeploy", headers={**ask, **KEY})
    assert (joined.json()["release"], again.json()["release"], again.json()["status"]) == (3, 3, "success")


def test_what_is_kept_of_a_request_tells_nothing_of_its_variables(client: TestClient, app: FastAPI, alice: Headers):
    deploy(client, {**alice, **KEY}, backend_env=b"PIN=1234\n")
    with app.state.database.session() as session:
        row = session.exec(select(IdempotencyKey)).one()
    assert len(row.content_sha256) == 64 and "1234" not in repr(row.model_dump())


def test_a_repeated_request_is_told_of_its_own_release_although_the_app_has_gone_on(client: TestClient, alice: Headers):
    first = deploy(client, {**alice, **KEY}).json()
    client.post(f"/deployments/{first['container_name']}/redeploy", headers=alice)
    again = deploy(client, {**alice, **KEY})
    assert (again.json()["release"], again.json()["deployment"]["release"]) == (1, 2)
