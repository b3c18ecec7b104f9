"""Fixtures of the tests in a real browser: Chromium, a Butler with a real engine behind it, and people who use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, expect, sync_playwright

from tests.browser.person import Person
from tests.browser.serving import chromium_program, make_server
from tests.engine.harness import Client, Repository, Server, sweep

# Other tests build images meanwhile, on the same processors.
PATIENCE_MILLISECONDS = 40_000
expect.set_options(timeout=PATIENCE_MILLISECONDS / 2)


# One for each module: while it is open, tests that are coroutines cannot run.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def make_dashboard(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers of one's own; whatever they put on the engine goes at the end."""
    servers: list[Server] = []

    def make(**settings: str) -> Server:
        server = make_server(tmp_path / f"butler-{len(servers)}", settings)
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
    server = make_server(tmp_path_factory.mktemp("dashboard"), {})
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
        person.page.set_default_timeout(PATIENCE_MILLISECONDS)
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


def _destroy_all(client: Client) -> None:
    if client.is_closed:
        return
    for row in client.get("/deployments").json():
        client.delete(f"/deployments/{row['container_name']}")
    client.close()
