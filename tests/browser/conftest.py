"""Fixtures of the tests in a real browser: Chromium, a Butler with a real engine behind it, and people who use it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from tests.browser.person import Person
from tests.engine.harness import ROOT, Client, Repository, Server, free_port, sweep

BUILD = Path(os.environ.get("BUTLER_TEST_STATIC") or ROOT / "static")
_SERVE = """
import sys, uvicorn, orchestrator
from pathlib import Path
from settings import Settings
settings = Settings()
app = orchestrator.create_app(settings, static=Path(sys.argv[1]))
uvicorn.run(app, host=settings.host, port=settings.port, log_config=None, access_log=False, ws_max_size=65536)
"""


# One for each module: while it is open, tests that are coroutines cannot run.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
    assert program, "Chromium is not installed: ./butler test browser installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def make_dashboard(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers of one's own; whatever they put on the engine goes at the end."""
    assert (BUILD / "index.html").exists(), "the dashboard is not built: npm run build in frontend/"
    servers: list[Server] = []

    def make(**settings: str) -> Server:
        server = _server(tmp_path / f"butler-{len(servers)}", settings)
        servers.append(server)
        server.start()
        return server

    yield make
    for server in servers:
        server.stop()
        sweep(server)


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of a module that do not disturb it."""
    server = _server(tmp_path_factory.mktemp("dashboard"), {})
    server.start()
    yield server
    server.stop()
    sweep(server)


@pytest.fixture
def make_person(chromium: Browser, dashboard: Server) -> Iterator[Callable[..., Person]]:
    """People with an account and a browser of their own, who are logged in; their apps go at the end."""
    people: list[Person] = []

    def make(server: Server | None = None, **context: Any) -> Person:
        client = (server or dashboard).user()
        person = Person(chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **context}), client)
        person.page.set_default_timeout(20_000)
        people.append(person)
        person.log_in()
        return person

    yield make
    for person in people:
        with suppress(Error):
            person.context.close()
        _destroy_all(person.client)
        assert not person.problems, person.problems


@pytest.fixture
def person(make_person: Callable[..., Person]) -> Person:
    return make_person()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "octo" / "shop")


@pytest.fixture
def make_repository(tmp_path: Path) -> Callable[[str], Repository]:
    return lambda name: Repository(tmp_path / "octo" / name)


def _server(folder: Path, settings: dict[str, str]) -> Server:
    settings = {"BUTLER_FIRST_HOST_PORT": "19080", "BUTLER_LOGIN_ATTEMPTS_PER_MINUTE": "1000", **settings}
    program = () if BUILD == ROOT / "static" else ("-c", _SERVE, str(BUILD))
    if program:
        settings["PYTHONPATH"] = str(ROOT)
    return Server(folder, free_port(), settings, **({"program": program} if program else {}))


def _destroy_all(client: Client) -> None:
    if client.is_closed:
        return
    for row in client.get("/deployments").json():
        client.delete(f"/deployments/{row['container_name']}")
    client.close()
