"""A running API on a database of its own: real log-ins, real records, and a pipeline that deploys nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

import deploy_jobs.queue
import shell
from database import Database
from orchestrator import create_app
from settings import Settings
from tests.fake_pipeline import FakePipeline

PASSWORD = "correct horse"
VERSIONS = {"docker version": "26.1.5", "docker compose": "v2.26.1", "git version": "git version 2.39.5"}
Register = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with all tables and no rows; copying it is quicker than making one for each test."""
    folder = tmp_path_factory.mktemp("template")
    database = Database(Settings(_env_file=None, data_dir=folder))
    database.migrate()
    database.close()
    return folder / "deployments.db"


@pytest.fixture
def settings(tmp_path: Path, empty_database: Path) -> Settings:
    """Settings of a Butler of its own, with cheap password hashes."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    shutil.copy(empty_database, data / "deployments.db")
    return Settings(_env_file=None, data_dir=data, bcrypt_rounds=4, registrations_per_hour=1000)


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> FakePipeline:
    """What deploys in place of the real pipeline."""
    return FakePipeline().install(monkeypatch)


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What docker, compose and git say about themselves: text, or an error that is raised."""
    answers: dict[str, Any] = dict(VERSIONS)

    async def output(argv: list[str], **_limits: object) -> str:
        answer = answers[" ".join(argv[:2])]
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    monkeypatch.setattr(shell, "output", output)
    return answers


@pytest.fixture
def app(settings: Settings, pipeline: FakePipeline, tools: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """The whole application, without an engine to compare its records with."""

    async def match_nothing(*_office: object) -> None:
        """No engine, nothing to match."""

    monkeypatch.setattr(deploy_jobs.queue, "match_engine", match_nothing)
    return create_app(settings)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client of the running application; an error in it is an answer, as it is for users."""
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def register(client: TestClient) -> Register:
    """Make an account: the answer's body, with ready-made `headers`."""

    def new(username: str = "alice", password: str = PASSWORD, email: str | None = None) -> dict[str, Any]:
        body = {"username": username, "password": password, "email": email or f"{username}@example.org"}
        answer = client.post("/api/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        session: dict[str, Any] = answer.json()
        return session | {"headers": {"Authorization": f"Bearer {session['access_token']}"}}

    return new


@pytest.fixture
def alice(register: Register) -> dict[str, str]:
    """The headers of a logged-in user."""
    headers: dict[str, str] = register("alice")["headers"]
    return headers


@pytest.fixture
def bob(register: Register) -> dict[str, str]:
    """The headers of another one."""
    headers: dict[str, str] = register("bobby")["headers"]
    return headers
