"""A running API on a database of its own: real log-ins, nothing deployed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.testclient import TestClient

from auth import Auth
from database import Database
from login import router
from robust_error_handler import BadRequest, ButlerError, Code
from settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path / "data", bcrypt_rounds=4, registrations_per_hour=1000)


def accounts_app(settings: Settings) -> FastAPI:
    """An application with nothing but the accounts."""
    app = FastAPI()
    app.state.settings = settings
    app.state.database = Database(settings)
    app.state.database.migrate()
    app.state.auth = Auth(settings, app.state.database)
    app.include_router(router)

    @app.exception_handler(ButlerError)
    def on_error(_request: Request, error: ButlerError) -> JSONResponse:
        return JSONResponse({"error": error.as_dict()}, error.status, error.headers)

    @app.exception_handler(RequestValidationError)
    def on_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return on_error(request, BadRequest(f"{first['loc']}: {first['msg']}", ""))

    @app.exception_handler(HTTPException)
    def on_refused(request: Request, error: HTTPException) -> JSONResponse:
        answer = on_error(request, ButlerError(str(error.detail), "", Code.INVALID_REQUEST, error.status_code))
        if error.status_code == 405:  # the router names only the methods of the first route at this address
            answer.headers["Allow"] = ", ".join(app.openapi()["paths"][request.scope["route"].path]).upper()
        return answer

    return app


@pytest.fixture
def app(settings: Settings) -> Iterator[FastAPI]:
    app = accounts_app(settings)
    yield app
    app.state.database.close()


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


PASSWORD = "correct horse"
Register = Callable[..., dict[str, Any]]


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
