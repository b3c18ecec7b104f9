"""The API's description is true and whole: generated requests find nothing against it, and everything has an example."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from auth import Auth
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

    for result in schema.get_all_operations():
        operation = result.ok()
        if failing and operation.path not in ("/deploy", "/api/plan"):
            continue

        wanted = operation.as_strategy(GenerationMode.POSITIVE) | operation.as_strategy(GenerationMode.NEGATIVE)

        @hypothesis.given(case=wanted)
        @hypothesis.settings(
            max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
        )
        def check(case: schemathesis.Case) -> None:
            headers = new_session(app) if with_token else {}
            if with_token:
                keep_an_app(app, 1)
            case.call_and_validate(base_url="http://localhost", headers=headers, excluded_checks=excluded)

        check()


async def _no_containers(_settings: Settings, *, app: str | None = None) -> list[Any]:
    return []
