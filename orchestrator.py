"""The application: wires the parts together and serves REST, WebSocket and pages from one process."""

from __future__ import annotations

import gc
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TextIO

import uvicorn
from fastapi import FastAPI, WebSocket

import login
import robust_logging
from auth import Auth
from connection_manager import ConnectionManager, ReleaseLogs
from database import Database
from deploy_jobs import DeployJobs
from github_client import GithubClient
from routes import (
    app_log,
    deploy,
    deployments,
    environment,
    errors,
    github,
    host,
    lifecycle,
    metrics,
    openapi,
    overrides,
    pages,
    plan,
    releases,
    samples,
    security,
    system,
)
from routes.app_states import AppStates
from routes.context import Butler
from routes.directory import directory_of
from routes.version import VERSION
from settings import ROOT, Settings

log = logging.getLogger(__name__)

DESCRIPTION = """A Git URL becomes a running URL.

Register or log in, then `POST /deploy` with a repository's address. **Authorize** above takes a user name and password.

A deployment's log arrives while it happens on the WebSocket `/ws/{client_id}`: send `{"type": "auth", "token": "..."}`
first (or the token as a header), then `{"type": "watch", "deployment": "user-repo-a1b2c3d4", "after": 0}`.

Every error has the shape `{"error": {"code", "message", "hint", "lines", "trace_id"}}`.
"""


def create_app(
    settings: Settings | None = None, *, static: Path = ROOT / "static", log_stream: TextIO | None = None
) -> FastAPI:
    """The whole Butler as one ASGI application.

    `static` is where the dashboard's build is; the server's own log goes to `log_stream`, or to standard error.
    """
    settings = settings or Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    robust_logging.configure(settings, log_stream)
    app = FastAPI(
        title="DevOps Butler",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=_lifespan,
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,  # it would answer with whatever host the request claims
    )
    butler = _assemble(settings)
    app.state.butler = butler
    app.state.settings, app.state.database, app.state.auth = settings, butler.database, butler.auth
    for part in (
        login,
        deploy,
        plan,
        samples,
        deployments,
        app_log,
        lifecycle,
        environment,
        overrides,
        releases,
        github,
        host,
        system,
    ):
        app.include_router(part.router)
    app.add_api_websocket_route("/ws/{client_id}", _socket)
    metrics.add_metrics(app, butler)
    pages.add_pages(app, static)
    errors.add_handlers(app, missing_page=static / "missing.html")
    openapi.complete_description(app)
    security.add_middleware(app, settings)
    return app


def _assemble(settings: Settings) -> Butler:
    database = Database(settings)
    database.migrate()
    auth = Auth(settings, database)
    logs = ReleaseLogs(settings.log_dir, settings.log_max_mb * 2**20, robust_logging.redactor.mask)
    directory = directory_of(database, auth, settings)
    connections = ConnectionManager(logs, directory, allowed_origins=settings.allowed_origins)
    jobs = DeployJobs(settings, database, logs, connections)
    return Butler(settings, database, auth, logs, connections, jobs, GithubClient(settings), AppStates(settings))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    butler: Butler = app.state.butler
    await butler.jobs.recover()
    log.info(
        "the Butler serves", extra={robust_logging.FIELDS: {"version": VERSION, "instance": butler.settings.instance}}
    )
    yield
    await butler.jobs.close()
    butler.connections.close_all()
    await butler.github.close()
    butler.database.close()


async def _socket(websocket: WebSocket, client_id: str) -> None:
    """The live log of one browser tab or program; see `connection_manager`."""
    await websocket.app.state.butler.connections.serve(websocket, client_id)


class _Server(uvicorn.Server):
    """A server that ends the deployments first: requests that wait for one would hold up its end."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        butler: Butler = self.config.app.state.butler  # type: ignore[union-attr]
        await butler.jobs.close()
        await super().shutdown(sockets)


def main() -> None:
    """Serve until a signal ends it."""
    settings = Settings()
    app = create_app(settings)
    gc.freeze()  # what is there now stays: looking through it again and again would hold up everybody for 60 ms
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=10,
    )
    _Server(config).run()


if __name__ == "__main__":
    main()
