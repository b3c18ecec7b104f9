"""The words for an app that was deployed, as they are typed: stop, start, restart, redeploy, releases, env."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import butler_cli
from cli.credentials import Session, SessionFile
from tests.unit.fake_butler import FakeButler, error, serving, view

Run = Callable[..., Result]
NAME = "octo-site-a1b2c3d4"
STATE = {
    "state": "running",
    "since": "2026-01-15T10:31:00Z",
    "restart_count": 2,
    "exit_code": None,
    "oom_killed": False,
}
VARIABLES = {
    "container_name": NAME,
    "release": 1,
    "pending": True,
    "revealed": False,
    "variables": [
        {"name": "KEY", "kind": "backend", "value": "***", "pending": "changed"},
        {"name": "VITE_API", "kind": "frontend", "value": "***", "pending": None},
    ],
}


@pytest.fixture
def butler() -> Iterator[FakeButler]:
    with serving() as server:
        server.on("GET", "/deployments", 200, [view(NAME)])
        server.on("GET", f"/deployments/{NAME}", 200, view(NAME, app_state=STATE, env_pending=True))
        server.on("GET", f"/deployments/{NAME}/env", 200, VARIABLES)
        server.on("PATCH", f"/deployments/{NAME}/env", 200, VARIABLES)
        yield server


@pytest.fixture
def run(butler: FakeButler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("BUTLER_URL", butler.url)
    monkeypatch.delenv("BUTLER_TOKEN", raising=False)
    monkeypatch.setattr("cli.credentials._default_folder", lambda: tmp_path / "config")
    sessions = SessionFile()
    with sessions.lock():
        sessions.put(Session(butler.url, "alice", "access-1", "renewal-1", time.time() + 1800))

    def run(*words: str, typed: str = "") -> Result:
        return CliRunner().invoke(butler_cli.app, list(words), input=typed, prog_name="butler")

    return run


def done(message: str, changed: bool = True, **changes: Any) -> dict[str, Any]:
    return {"message": message, "container_name": NAME, "changed": changed, "deployment": view(NAME, **changes)}


def sent(butler: FakeButler) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(butler.ask("PATCH", f"/deployments/{NAME}/env").body)
    return body


@pytest.mark.parametrize(
    ("deed", "message", "printed"),
    [
        ("stop", "Stopped.", ""),
        ("start", "Started.", "http://localhost:8080\n"),
        ("restart", "Restarted.", "http://localhost:8080\n"),
    ],
)
def test_what_was_done_is_said_and_the_address_of_what_runs_is_the_result(
    run: Run, butler: FakeButler, deed: str, message: str, printed: str
) -> None:
    butler.on("POST", f"/deployments/{NAME}/{deed}", 200, done(message))
    result = run(deed, NAME)
    assert (result.exit_code, result.stdout, result.stderr) == (0, printed, f"{NAME}: {message}\n")
    assert json.loads(run(deed, NAME, "--json").stdout)["changed"] is True


def test_an_app_that_does_not_come_up_is_a_failure_with_its_lines(run: Run, butler: FakeButler) -> None:
    body = error("crashed-at-start", "It ended with code 1.", "See its lines.", ("no luck",))
    butler.on("POST", f"/deployments/{NAME}/start", 422, body)
    result = run("start", NAME)
    assert result.exit_code == 1 and "It ended with code 1." in result.stderr
    as_json = run("start", NAME, "--json")
    assert json.loads(as_json.stdout)["error"]["lines"] == ["no luck"]


def test_an_app_that_is_not_there_is_said_with_what_was_perhaps_meant(run: Run) -> None:
    for words in (["stop"], ["start"], ["restart"], ["redeploy"], ["releases"], ["env", "list"]):
        result = run(*words, "octo-site-a1b2c3d5")
        assert result.exit_code == 5 and f"Did you mean {NAME}?" in result.stderr


def test_redeploy_follows_the_release_and_prints_the_address(run: Run, butler: FakeButler) -> None:
    started = {**done("Deployment started."), "trace_id": "t", "status": "starting", "release": 2, "release_id": 9}
    butler.on("POST", f"/deployments/{NAME}/redeploy", 202, started)
    end = {
        "seq": 1,
        "time": "",
        "kind": "done",
        "stage": None,
        "text": "Live",
        "detail": {"url": "http://localhost:8080"},
    }
    piece = {"container_name": NAME, "release": 2, "lines": [end], "next": 1, "closed": True}
    butler.on("GET", f"/deployments/{NAME}/logs", 200, piece)
    result = run("redeploy", NAME)
    assert (result.exit_code, result.stdout) == (0, "http://localhost:8080\n")
    assert butler.ask("POST", f"/deployments/{NAME}/redeploy").headers["Prefer"] == "respond-async"
    assert run("redeploy", NAME, "--detach").stdout == f"{NAME}\n"


def test_releases_are_listed_with_what_became_of_each(run: Run, butler: FakeButler) -> None:
    live = {
        "number": 1,
        "status": "success",
        "is_live": True,
        "trigger": "deploy",
        "commit_sha": "0123456789abcdef",
        "commit_subject": "Say hello",
        "seconds": 48.1,
        "created_at": "2026-01-15T10:30:00Z",
        "error": None,
    }
    failure = {"code": "build-failed", "message": "It does not compile.", "hint": "", "lines": []}
    failed = {**live, "number": 2, "status": "failed", "is_live": False, "trigger": "redeploy", "error": failure}
    butler.on(
        "GET", f"/deployments/{NAME}/releases", 200, [{**failed, "commit_sha": None, "commit_subject": None}, live]
    )
    rows = run("releases", NAME).stdout.splitlines()
    assert rows[1].split()[:3] == ["2", "failed", "48.1"] and rows[1].endswith("It does not compile.")
    assert rows[2].split()[:2] == ["1", "live"] and rows[2].endswith("0123456789 Say hello")


def test_status_tells_of_the_container_and_of_edited_variables(run: Run) -> None:
    printed = run("status", NAME).stdout
    assert "restarted 2 times by itself" in printed and "edited since" in printed


# --- variables


def test_variables_are_listed_masked_and_revealed_only_when_asked_for(run: Run, butler: FakeButler) -> None:
    result = run("env", "list", NAME)
    assert [line.split() for line in result.stdout.splitlines()[1:]] == [
        ["KEY", "app", "changed", "***"],
        ["VITE_API", "build", "-", "***"],
    ]
    assert f"redeploy {NAME}" in result.stderr
    assert butler.ask("GET", f"/deployments/{NAME}/env").query == {}
    run("env", "list", NAME, "--reveal")
    assert butler.ask("GET", f"/deployments/{NAME}/env").query == {"reveal": "true"}


def test_variables_are_set_and_unset_for_the_next_deployment(run: Run, butler: FakeButler) -> None:
    result = run("env", "set", NAME, "A=1", "B=x=y", "C=")
    assert result.exit_code == 0 and "Waiting for the next deployment: KEY." in result.stderr
    assert sent(butler) == {"kind": "backend", "set": {"A": "1", "B": "x=y", "C": ""}}
    run("env", "unset", NAME, "A", "B", "--build")
    assert sent(butler) == {"kind": "frontend", "unset": ["A", "B"]}


def test_a_value_that_is_not_given_is_asked_for_and_not_shown(
    run: Run, butler: FakeButler, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("env", "set", NAME, "SECRET").exit_code == 2
    monkeypatch.setattr("cli.accounts.is_interactive", lambda: True)
    result = run("env", "set", NAME, "SECRET", typed="very-secret\n")
    assert sent(butler)["set"] == {"SECRET": "very-secret"}
    assert "very-secret" not in result.stdout + result.stderr


def test_a_file_is_sent_as_it_is_and_its_mistakes_are_the_server_s_to_find(
    run: Run, butler: FakeButler, tmp_path: Path
) -> None:
    file = tmp_path / "my.env"
    file.write_text("\ufeffA=1\n# note\n", encoding="utf-8")
    assert run("env", "import", NAME, str(file)).exit_code == 0
    assert sent(butler) == {"kind": "backend", "file": "A=1\n# note\n"}
    run("env", "import", NAME, "-", "--build", typed="B=2\n")
    assert sent(butler) == {"kind": "frontend", "file": "B=2\n"}
    assert run("env", "import", NAME, str(tmp_path / "none")).exit_code == 2
    body = error("invalid-env-file", "file has a mistake.", "Correct it.", ("line 1: no",))
    butler.on("PATCH", f"/deployments/{NAME}/env", 422, body)
    refused = run("env", "import", NAME, str(file))
    assert refused.exit_code in (1, 2) and "line 1: no" in refused.stderr
