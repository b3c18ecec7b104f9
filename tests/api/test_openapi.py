"""The API's description is true and whole: generated requests find nothing against it, and everything has an example."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import jsonschema_rs
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from sqlmodel import delete
from starlette.testclient import TestClient

from auth import Auth
from database import IdempotencyKey
from domain import Phase, Status
from robust_error_handler import Code, DeploymentFailed
from settings import Settings
from tests.fake_pipeline import FakePipeline

NAME = "user-repo-a1b2c3d4"
METHODS = ("get", "put", "post", "delete", "patch")


def no_such_dependency() -> Exception:
    return DeploymentFailed(Code.DEPENDENCY_NOT_FOUND, "The package x does not exist.", "Correct its name.", ["404 x"])


@pytest.fixture
def settings(settings: Settings) -> Settings:
    many = {"registrations_per_hour": 10**6, "login_attempts_per_minute": 10**6, "deploys_per_minute": 10**6}
    return settings.model_copy(update=many)


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield f"{method.upper()} {path}", methods[method]


def new_session(app: FastAPI) -> dict[str, str]:
    """A log-in of the one user; a generated request may have ended the one before."""
    auth: Auth = app.state.auth
    users = app.state.database.users
    user = users.by_login("alice") or users.create(
        "alice", email="alice@example.org", hashed_password=auth.hash_password("correct horse")
    )
    return {"Authorization": f"Bearer {auth.start_session(user).access_token}"}


def keep_an_app(app: FastAPI, user_id: int) -> None:
    """The app that the description's examples name is there whenever a request comes."""
    deployments = app.state.database.deployments
    if deployments.by_name(NAME) is None:
        row = deployments.create(user_id, container_name=NAME, git_url="https://github.com/user/repo")
        app.state.database.releases.create(row.id)
        deployments.move(row.id, Status.FAILED, Phase.FAILED)


def forget_keys(app: FastAPI) -> None:
    """Each request is the first with its key: that another one came before cannot be seen in it."""
    with app.state.database.transaction() as session:
        session.exec(delete(IdempotencyKey))


def keeps_what_is_not_there(case: schemathesis.Case) -> bool:
    """Whether variables are to keep a value that none has: which ones have one cannot be described."""
    kinds = case.body.values() if case.path.endswith("/env") and isinstance(case.body, dict) else ()
    return any(value is None for kind in kinds if isinstance(kind, dict) for value in kind.values())


@pytest.mark.parametrize("with_token", [True, False], ids=["with a token", "without a token"])
@pytest.mark.parametrize("failing", [True, False], ids=["deployments fail", "deployments succeed"])
def test_generated_requests_find_nothing_against_the_description(
    app: FastAPI, pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch, with_token: bool, failing: bool
):
    """Schemathesis starts the application itself: it cannot run in two event loops at once."""
    pipeline.failure = no_such_dependency if failing else None
    monkeypatch.setattr("docker_run.list_containers", _no_containers)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    # A repository that cannot be built is no fault of the request, which is right as far as can be described.
    excluded = [positive_data_acceptance] if failing else []
    asked: set[str] = set()

    for result in schema.get_all_operations():
        operation = result.ok()
        if failing and operation.path not in ("/deploy", "/api/plan"):
            continue

        wanted = operation.as_strategy(GenerationMode.POSITIVE) | operation.as_strategy(GenerationMode.NEGATIVE)

        @hypothesis.given(case=wanted)
        @hypothesis.settings(
            max_examples=25 if with_token and not failing else 12,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        def check(case: schemathesis.Case) -> None:
            headers = new_session(app) if with_token else {}
            if with_token:
                keep_an_app(app, 1)
                forget_keys(app)
            besides = [positive_data_acceptance] if keeps_what_is_not_there(case) else []
            case.call_and_validate(base_url="http://localhost", headers=headers, excluded_checks=excluded + besides)
            asked.add(case.operation.label)

        check()
    deploying = {"POST /deploy", "POST /api/plan"}
    assert asked == (deploying if failing else {one.ok().label for one in schema.get_all_operations()})


async def _no_containers(_settings: Settings, *, app: str | None = None) -> list[Any]:
    return []


# --- what the description tells


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def examples_of(document: dict[str, Any], content: dict[str, Any]) -> list[Any]:
    """All examples of a body, wherever the description may keep them."""
    shown = [one["value"] for one in content.get("examples", {}).values()]
    shown += [content["example"]] if "example" in content else []
    schema = resolved(document, content.get("schema", {}))
    schema = resolved(document, schema.get("items", schema.get("anyOf", [schema])[0]))
    return shown or schema.get("examples", [])


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for label, operation in operations(document):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{label} takes {kind}", content
        for status, answer in operation["responses"].items():
            for kind, content in answer.get("content", {}).items():
                yield f"{label} answers {status} {kind}", content


def test_every_request_and_every_answer_has_an_example(document: dict[str, Any]):
    assert [place for place, content in bodies(document) if not examples_of(document, content)] == []


def test_every_example_fits_its_schema(document: dict[str, Any]):
    for place, content in bodies(document):
        schema = content.get("schema", {})
        alternatives = [{**one, "components": document["components"]} for one in (schema, schema.get("items", schema))]
        for example in examples_of(document, content):
            assert any(jsonschema_rs.is_valid(one, example) for one in alternatives), (place, example)


def test_every_operation_says_what_it_does_and_which_errors_it_answers(document: dict[str, Any]):
    for label, operation in operations(document):
        assert operation["summary"] and operation.get("description"), label
        statuses = set(operation["responses"])
        assert {"500", "503"} <= statuses, label
        assert not operation.get("security") or "401" in statuses, label
        assert "requestBody" not in operation or {"413", "422"} <= statuses, label
        assert "parameters" not in operation or "422" in statuses, label
        for answer in operation["responses"].values():
            assert "X-Request-ID" in answer["headers"], label


def test_every_error_has_the_one_shape(document: dict[str, Any]):
    assert not {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])
    for label, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status >= "400" and label != "GET /health":
                schema = resolved(document, answer["content"]["application/json"]["schema"])
                assert schema["properties"]["error"] == {"$ref": "#/components/schemas/ErrorDetail"}, (label, status)


def test_everything_but_the_ways_in_and_the_server_s_state_asks_for_a_token(document: dict[str, Any]):
    open_to_all = {label for label, operation in operations(document) if not operation.get("security")}
    assert open_to_all == {
        "POST /api/auth/register",
        "POST /api/auth/login",
        "POST /api/auth/refresh",
        "GET /health",
        "GET /metrics",
    }


def test_what_is_described_as_protected_is(document: dict[str, Any], client: TestClient):
    for label, operation in operations(document):
        if operation.get("security"):
            method, path = label.split()
            answer = client.request(method, path.replace("{name}", NAME))
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorised"), label
            assert answer.headers["www-authenticate"] == "Bearer"


def test_the_page_of_the_description_can_log_in(client: TestClient, document: dict[str, Any]):
    scheme = document["components"]["securitySchemes"]["OAuth2PasswordBearer"]
    address = scheme["flows"]["password"]["tokenUrl"]
    client.post("/api/auth/register", json={"username": "carol", "email": "c@example.org", "password": "correct horse"})
    form = {"grant_type": "password", "username": "carol", "password": "correct horse"}
    token = client.post(address, data=form).json()["access_token"]
    assert client.get("/deployments", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert "swagger" in client.get("/docs").text


def test_headers_of_answers_are_described(document: dict[str, Any]):
    answers = {label: operation["responses"] for label, operation in operations(document)}
    assert {"X-Total-Count", "Link"} <= set(answers["GET /deployments"]["200"]["headers"])
    assert "Location" in answers["POST /deploy"]["202"]["headers"]
    assert "Retry-After" in answers["POST /deploy"]["429"]["headers"]
    assert "WWW-Authenticate" in answers["GET /deployments"]["401"]["headers"]


def test_a_method_that_is_not_there_is_answered_with_all_that_are(client: TestClient):
    for path, methods in {"/deployments/x": {"GET", "DELETE"}, "/api/auth/github-token": {"PUT", "DELETE"}}.items():
        answer = client.patch(path)
        assert answer.status_code == 405
        assert set(answer.headers["allow"].split(", ")) == methods
        assert answer.json()["error"]["code"] == "invalid-request"
    assert client.post("/login").headers["allow"]
