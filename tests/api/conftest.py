"""A running API on a database of its own: real log-ins, nothing deployed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from orchestrator import create_app
from settings import Settings

PASSWORD = "correct horse"
Register = Callable[..., dict[str, Any]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a Butler of its own, with cheap password hashes."""
    return Settings(_env_file=None, data_dir=tmp_path / "data", bcrypt_rounds=4, registrations_per_hour=1000)


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    """The whole application."""
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
