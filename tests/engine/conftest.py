"""Fixtures of the tests on a real engine: servers, a user who is logged in, and repositories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.harness import Client, Repository, Server, free_port, sweep


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers of one's own; whatever they put on the engine goes at the end."""
    servers: list[Server] = []

    def make(**settings: str) -> Server:
        server = Server(tmp_path / f"butler-{len(servers)}", free_port(), settings)
        servers.append(server)
        server.start()
        return server

    yield make
    for server in servers:
        server.stop()
        sweep(server)


@pytest.fixture(scope="session")
def butler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that do not disturb it."""
    server = Server(tmp_path_factory.mktemp("butler"), free_port(), {"BUTLER_FIRST_HOST_PORT": "18080"})
    server.start()
    yield server
    server.stop()
    sweep(server)


@pytest.fixture
def alice(butler: Server) -> Iterator[Client]:
    """A user of the shared server, whose apps go at the end."""
    client = butler.user()
    yield client
    for row in client.get("/deployments").json():
        client.delete(f"/deployments/{row['container_name']}")
    client.close()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "octo" / "sample")


@pytest.fixture
def make_repository(tmp_path: Path) -> Callable[[str], Repository]:
    return lambda name: Repository(tmp_path / "octo" / name)
