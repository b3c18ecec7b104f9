"""`/health`, `/metrics` and the dashboard's pages; and registration that is closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from orchestrator import create_app
from robust_error_handler import CommandFailed, CommandTimedOut, ToolMissing
from settings import Settings
from tests.fake_pipeline import FakePipeline
from workspace import sample

Headers = dict[str, str]
PAGES = {
    "/": "index.html",
    "/login": "login.html",
    "/applications": "applications.html",
    "/applications/user-repo-a1b2c3d4": "application.html",
}

# --- state


def test_health_names_each_thing_with_its_version(client: TestClient):
    answer = client.get("/health")
    body = answer.json()
    assert (answer.status_code, body["status"]) == (200, "ok")
    versions = {name: check["version"] for name, check in body["checks"].items()}
    assert versions.pop("database").startswith("SQLite 3")
    assert versions == {"docker": "26.1.5", "compose": "2.26.1", "git": "2.39.5"}
    assert all(check["ok"] and not check["message"] for check in body["checks"].values())


@pytest.mark.parametrize(
    ("tool", "failure", "said"),
    [
        ("docker version", CommandFailed(["docker"], 1, ["Cannot connect to the Docker daemon"]), "Cannot connect"),
        ("docker version", CommandTimedOut(["docker"], 5, "docker", []), "has not answered within 5 s"),
        ("git version", ToolMissing("git"), "not installed"),
        ("docker compose", CommandFailed(["docker"], 125, []), "ended with code 125"),
    ],
)
def test_health_is_503_where_something_does_not_answer(
    client: TestClient, tools: dict[str, Any], tool: str, failure: Exception, said: str
):
    tools[tool] = failure
    answer = client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "degraded")
    name = {"docker version": "docker", "docker compose": "compose", "git version": "git"}[tool]
    checks = answer.json()["checks"]
    assert [one for one, check in checks.items() if not check["ok"]] == [name]
    assert said in checks[name]["message"] and checks[name]["hint"] and checks[name]["version"] is None


def test_health_says_when_the_database_does_not_answer(app: FastAPI, client: TestClient):
    app.state.database.close()
    app.state.settings.data_dir.joinpath("deployments.db").write_bytes(b"not a database at all" * 400)
    checks = client.get("/health").json()["checks"]
    assert not checks["database"]["ok"] and checks["database"]["message"] and checks["docker"]["ok"]


def test_health_needs_no_log_in_and_tells_nothing_of_users(client: TestClient, alice: Headers):
    assert "alice" not in client.get("/health").text


def figures(client: TestClient) -> dict[str, float]:
    """What Prometheus reads."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return {
        " ".join([sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))]): sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics_can_be_read_by_prometheus(client: TestClient, alice: Headers, pipeline: FakePipeline):
    before = figures(client)
    assert (before["butler_deployments status=success"], before["butler_deployments_in_progress"]) == (0, 0)
    wanted = {"git_url": "https://github.com/user/repo"}
    client.post("/deploy", data=wanted, headers=alice)
    pipeline.held = True
    client.post("/deploy", data=wanted, headers={**alice, "Prefer": "respond-async"})
    after = figures(client)
    assert after["butler_deployments status=success"] == after["butler_deployments status=starting"] == 1
    assert after["butler_deployments_in_progress"] == 1
    requests = {name: value for name, value in after.items() if name.startswith("http_requests_total")}
    assert any("handler=/deploy" in name and "method=POST" in name for name in requests)


def test_metrics_name_no_app_and_no_user(client: TestClient, alice: Headers):
    name = client.post("/deploy", data={"git_url": "https://github.com/user/repo"}, headers=alice).json()[
        "container_name"
    ]
    client.get(f"/deployments/{name}", headers=alice)
    text = client.get("/metrics").text
    assert name not in text and "alice" not in text


# --- pages


@pytest.mark.parametrize("path", PAGES)
def test_without_a_build_pages_lead_to_the_documentation(settings: Settings, app: FastAPI, tmp_path: Path, path: str):
    client = TestClient(create_app(settings, static=tmp_path / "none"), base_url="http://localhost")
    answer = client.get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")
    assert client.get("/docs").status_code == 200


def test_with_a_build_pages_are_served_and_asked_for_again_each_time(settings: Settings, app: FastAPI, tmp_path: Path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "app-5f2a6d0c.js").write_text("export {}")
    for file in PAGES.values():
        (tmp_path / file).write_text(f"<title>{file}</title>")
    client = TestClient(create_app(settings, static=tmp_path), base_url="http://localhost")
    for path, file in PAGES.items():
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (200, f"<title>{file}</title>")
        assert answer.headers["cache-control"] == "no-cache" and answer.headers["content-type"].startswith("text/html")
        assert client.head(path).status_code == 200
    asset = client.get("/assets/app-5f2a6d0c.js")
    assert "immutable" in asset.headers["cache-control"] and "javascript" in asset.headers["content-type"]
    assert client.get("/assets/missing.js").json()["error"]["code"] == "not-found"


def test_an_address_that_leads_nowhere_is_a_page_for_a_browser_and_an_error_for_programs(
    settings: Settings, app: FastAPI, tmp_path: Path
):
    (tmp_path / "missing.html").write_text("<title>There is no such page</title>")
    client = TestClient(create_app(settings, static=tmp_path), base_url="http://localhost")
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    page = client.get("/no-such-page", headers=browser)
    assert (page.status_code, page.headers["cache-control"]) == (404, "no-cache")
    assert "no such page" in page.text and "default-src" in page.headers["content-security-policy"]
    assert client.get("/no-such-page").json()["error"]["code"] == "not-found"
    assert client.post("/no-such-page", headers=browser).json()["error"]["code"] == "not-found"
    # Records of the API are programs' business, whoever asks.
    assert client.get("/deployments/none", headers=browser).json()["error"]["code"] == "unauthorised"


# --- registration


def test_closed_registration_is_said(settings: Settings, app: FastAPI):
    closed = create_app(settings.model_copy(update={"open_registration": False}))
    account = {"username": "alice", "email": "alice@example.org", "password": "correct horse"}
    answer = TestClient(closed, base_url="http://localhost").post("/api/auth/register", json=account)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert answer.json()["error"]["hint"]


# --- the sample


def test_somebody_without_a_repository_is_offered_the_shipped_one(client: TestClient, alice: Headers):
    (offered,) = client.get("/api/samples", headers=alice).json()
    assert offered["git_url"] == "butler://samples/hello-butler"
    assert client.post("/deploy", data={"git_url": offered["git_url"]}, headers=alice).status_code == 200


def test_a_server_without_its_sample_offers_none(
    client: TestClient, alice: Headers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sample, "SAMPLE", tmp_path / "none")
    assert client.get("/api/samples", headers=alice).json() == []


def test_the_sample_is_offered_to_users_only(client: TestClient):
    assert client.get("/api/samples").status_code == 401
