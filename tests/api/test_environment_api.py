"""Variables over HTTP: masked, edited for the next deployment, revealed on record, offered by the repository."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from domain import OfferedVariable
from tests.fake_pipeline import PLAN, FakePipeline

Headers = dict[str, str]
URL = "https://github.com/user/repo"
SECRET = "very-secret-value"


@pytest.fixture
def name(client: TestClient, alice: Headers) -> str:
    files = {
        "git_url": (None, URL),
        "backend_env": ("env", f"KEY={SECRET}\nOLD=1\n".encode()),
        "frontend_env": ("env", b"VITE_API=/api\n"),
    }
    return str(client.post("/deploy", files=files, headers=alice).json()["container_name"])


def rows(body: dict[str, Any]) -> list[tuple[str, str, str | None, str | None]]:
    return [(one["kind"], one["name"], one["value"], one["pending"]) for one in body["variables"]]


def env(client: TestClient, headers: Headers, name: str, query: str = "") -> dict[str, Any]:
    answer = client.get(f"/deployments/{name}/env{query}", headers=headers)
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    return body


def stored(app: FastAPI, name: str) -> tuple[dict[str, str], dict[str, str]]:
    row = app.state.database.deployments.by_name(name)
    found = app.state.database.deployments.environment(row.id)
    return dict(found.backend), dict(found.frontend)


def test_names_are_shown_and_values_are_masked(client: TestClient, alice: Headers, name: str):
    body = env(client, alice, name)
    assert rows(body) == [
        ("backend", "KEY", "***", None),
        ("backend", "OLD", "***", None),
        ("frontend", "VITE_API", "***", None),
    ]
    assert (body["release"], body["pending"], body["revealed"]) == (1, False, False)


def test_revealed_values_are_on_record(client: TestClient, alice: Headers, name: str, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, logger="butler.audit"):
        body = env(client, alice, name, "?reveal=true")
    assert rows(body)[0] == ("backend", "KEY", SECRET, None) and body["revealed"]
    record = next(one for one in caplog.records if one.message == "env.revealed")
    assert record.butler_fields == {"deployment": name} and SECRET not in caplog.text


def test_edits_wait_for_the_next_deployment(
    app: FastAPI, client: TestClient, alice: Headers, name: str, pipeline: FakePipeline
):
    sent = {"set": {"KEY": "new", "MORE": ""}, "unset": ["OLD", "NEVER_WAS"]}
    body = client.patch(f"/deployments/{name}/env", json=sent, headers=alice).json()
    assert rows(body) == [
        ("backend", "KEY", "***", "changed"),
        ("backend", "MORE", "***", "added"),
        ("backend", "OLD", None, "removed"),
        ("frontend", "VITE_API", "***", None),
    ]
    assert body["pending"] and client.get(f"/deployments/{name}", headers=alice).json()["env_pending"] is True
    client.post(f"/deployments/{name}/redeploy", headers=alice)
    assert dict(pipeline.requests[-1].backend_env) == {"KEY": "new", "MORE": ""}
    assert not env(client, alice, name)["pending"]
    assert client.get(f"/deployments/{name}", headers=alice).json()["env_pending"] is False


def test_an_edit_that_is_taken_back_is_no_edit(client: TestClient, alice: Headers, name: str):
    client.patch(f"/deployments/{name}/env", json={"set": {"KEY": "x"}}, headers=alice)
    body = client.patch(f"/deployments/{name}/env", json={"set": {"KEY": SECRET}}, headers=alice).json()
    assert not body["pending"]


def test_a_whole_file_is_taken_with_its_mistakes_named_by_line(
    app: FastAPI, client: TestClient, alice: Headers, name: str
):
    sent = {"kind": "frontend", "file": "# a comment\nexport A='x y'\nB=2\n", "set": {"B": "3"}}
    assert client.patch(f"/deployments/{name}/env", json=sent, headers=alice).status_code == 200
    assert stored(app, name)[1] == {"VITE_API": "/api", "A": "x y", "B": "3"}
    answer = client.patch(f"/deployments/{name}/env", json={"file": f"A=1\n\nA={SECRET}\nB\n"}, headers=alice)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid-env-file")
    assert [line.partition(":")[0] for line in answer.json()["error"]["lines"]] == ["line 3", "line 4"]
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "sent",
    [
        {"set": {"1A": "x"}},
        {"set": {"A-B": "x"}},
        {"set": {"A": "x\0"}},
        {"set": {"": "x"}},
        {"set": {"A": "\ud800"}},
        {"set": {"A": "x" * 65536}},
        {"set": {"A": "x"}, "unset": ["A"]},
        {"set": {"A": 1}},
        {"sets": {"A": "x"}},
        {"kind": "other", "set": {"A": "x"}},
    ],
)
def test_what_cannot_be_a_variable_is_refused_whole(
    app: FastAPI, client: TestClient, alice: Headers, name: str, sent: dict[str, Any]
):
    before = stored(app, name)
    import json

    body = json.dumps({"set": {"GOOD": "x"}} | sent)
    headers = {**alice, "Content-Type": "application/json"}
    answer = client.patch(f"/deployments/{name}/env", content=body, headers=headers)
    assert answer.status_code == 422 and stored(app, name) == before


def test_a_replacement_keeps_what_is_null_and_leaves_the_other_kind(
    app: FastAPI, client: TestClient, alice: Headers, name: str
):
    body = client.put(f"/deployments/{name}/env", json={"backend": {"KEY": None, "NEW": "2"}}, headers=alice).json()
    assert stored(app, name) == ({"KEY": SECRET, "NEW": "2"}, {"VITE_API": "/api"})
    assert ("backend", "OLD", None, "removed") in rows(body) and SECRET not in str(body)
    client.put(f"/deployments/{name}/env", json={"frontend": {}}, headers=alice)
    assert stored(app, name)[1] == {}
    refused = client.put(f"/deployments/{name}/env", json={"backend": {"NEVER": None}}, headers=alice)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid-env-file")


def test_all_is_added_where_nothing_is_live(client: TestClient, alice: Headers, pipeline: FakePipeline):
    pipeline.failure = lambda: RuntimeError("no")
    files = {"git_url": (None, URL), "backend_env": ("env", b"A=1\n")}
    client.post("/deploy", files=files, headers=alice)
    name = client.get("/deployments", headers=alice).json()[0]["container_name"]
    body = env(client, alice, name)
    assert (body["release"], rows(body)) == (None, [("backend", "A", "***", "added")])


def test_values_are_encrypted_where_they_are_kept(app: FastAPI, client: TestClient, alice: Headers, name: str):
    client.patch(f"/deployments/{name}/env", json={"set": {"MORE": SECRET + "2"}}, headers=alice)
    files = list(app.state.settings.data_dir.glob("deployments.db*"))
    assert files and all(SECRET.encode() not in file.read_bytes() for file in files)


def test_the_repository_s_example_offers_names(
    client: TestClient, alice: Headers, name: str, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch
):
    assert client.get(f"/deployments/{name}/env/example", headers=alice).json()["variables"] == []
    offers = (OfferedVariable("KEY", ".env.example:1"), OfferedVariable("TOKEN", ".env.example:4"))
    monkeypatch.setattr("tests.fake_pipeline.PLAN", PLAN.__class__(**{**vars(PLAN), "variables": offers}))
    client.post(f"/deployments/{name}/redeploy", headers=alice)
    assert client.get(f"/deployments/{name}/env/example", headers=alice).json() == {
        "container_name": name,
        "release": 2,
        "variables": [
            {"name": "KEY", "source": ".env.example:1", "is_set": True},
            {"name": "TOKEN", "source": ".env.example:4", "is_set": False},
        ],
    }
    plan = client.post("/api/plan", json={"git_url": URL}, headers=alice).json()
    assert plan["variables"][1] == {"name": "TOKEN", "source": ".env.example:4"}
