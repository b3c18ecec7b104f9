"""The commands as they are typed: what goes to which stream, as JSON too, and with which exit code they end."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

import butler_cli
from butler_file import plan_as_dict
from cli.credentials import Session, SessionFile
from cli.failures import ExitCode
from cli.planning import PLAN_KEYS
from domain import Kind, Plan
from routes.version import VERSION
from tests.unit.fake_butler import Asked, FakeButler, error, serving, view

Run = Callable[..., Result]
NAME = "octo-site-a1b2c3d4"
STARTED = {
    "message": "Deployment started.",
    "container_name": NAME,
    "trace_id": "t-1",
    "status": "starting",
    "release": 1,
    "release_id": 7,
    "deployment": view(NAME),
}


def line(seq: int, kind: str, stage: str | None, text: str, **more: Any) -> dict[str, Any]:
    return {
        "seq": seq,
        "time": "2026-01-15T10:30:00Z",
        "kind": kind,
        "stage": stage,
        "text": text,
        "detail": {},
        **more,
    }


STEPS = [
    line(1, "stage-started", "build", "Building the image"),
    line(2, "line", "build", "\x1b[32madded\x1b[2J 71 packages"),
    line(3, "stage-finished", "build", "done", seconds=12.48),
]
DONE = line(4, "done", None, "Live at http://localhost:8080", detail={"url": "http://localhost:8080"})
FAILED = line(
    4,
    "failure",
    "build",
    "npm: left-padd is not in the registry.",
    detail={
        "code": "dependency-not-found",
        "message": "npm: left-padd is not in the registry.",
        "hint": "Correct its name in package.json.",
        "lines": ["npm error 404 Not Found"],
        "trace_id": "t-1",
    },
)


@pytest.fixture
def butler() -> Iterator[FakeButler]:
    with serving() as server:
        server.on(
            "GET", "/deployments", 200, [view(NAME), view("octo-api-99999999", phase="failed", deployed_url=None)]
        )
        server.on("GET", f"/deployments/{NAME}", 200, view(NAME))
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


def log_in_nobody() -> None:
    sessions = SessionFile()
    with sessions.lock():
        sessions.path.unlink()


def deploys(butler: FakeButler, *events: dict[str, Any]) -> None:
    butler.on("POST", "/deploy", 202, STARTED)
    piece = {"container_name": NAME, "release": 1, "lines": list(events), "next": len(events), "closed": True}
    butler.on("GET", f"/deployments/{NAME}/logs", 200, piece)


def one_object(result: Result) -> dict[str, Any]:
    content = json.loads(result.stdout)
    assert content["schema"] == 1
    return content


# --- deploy ---


def test_deploy_prints_the_address_alone_on_standard_output(run: Run, butler: FakeButler) -> None:
    deploys(butler, *STEPS, DONE)
    result = run("deploy", "https://github.com/octo/site")
    assert (result.exit_code, result.stdout) == (0, "http://localhost:8080\n")
    assert "build    done in 12.5 s" in result.stderr
    assert "| added 71 packages" in result.stderr
    assert "\x1b" not in result.stderr
    assert f"--name {NAME}" in result.stderr, "how to deploy it again"
    assert butler.ask("POST", "/deploy").headers["Prefer"] == "respond-async"


def test_deploy_sends_what_was_asked_for(run: Run, butler: FakeButler, tmp_path: Path) -> None:
    deploys(butler, DONE)
    backend, frontend = tmp_path / "a.env", tmp_path / "b.env"
    backend.write_text("KEY=1\n")
    frontend.write_text("VITE_X=2\n")
    words = ["--branch", "next", "--subdirectory", "web", "--name", NAME]
    result = run(
        "deploy", "https://github.com/octo/site", *words, "--backend-env", str(backend), "--frontend-env", str(frontend)
    )
    assert result.exit_code == 0
    body = butler.ask("POST", "/deploy").body.decode()
    for part in ('name="branch"\r\n\r\nnext', 'name="subdirectory"\r\n\r\nweb', f'name="name"\r\n\r\n{NAME}'):
        assert part in body
    assert 'name="backend_env"; filename="backend_env.env"' in body
    assert "KEY=1" in body
    assert "VITE_X=2" in body


def test_a_failed_deployment_is_a_card_and_exit_code_1(run: Run, butler: FakeButler) -> None:
    deploys(butler, *STEPS, FAILED)
    result = run("deploy", "https://github.com/octo/site")
    assert (result.exit_code, result.stdout) == (1, "")
    for part in (
        "Deployment failed: dependency-not-found",
        "npm: left-padd is not in the registry.",
        "npm error 404 Not Found",
        "What to do: Correct its name in package.json.",
        f"./butler logs {NAME} --build",
        f"./butler deploy https://github.com/octo/site --name {NAME}",
    ):
        assert part in result.stderr


def test_a_failed_redeploy_says_what_still_serves(run: Run, butler: FakeButler) -> None:
    deploys(butler, FAILED)
    butler.on("GET", f"/deployments/{NAME}", 200, view(NAME, release=2, live_release=1))
    result = run("deploy", "https://github.com/octo/site", "--name", NAME)
    assert "http://localhost:8080 (release 1)" in result.stderr


def test_a_log_without_an_end_is_judged_by_the_record(run: Run, butler: FakeButler) -> None:
    deploys(butler, *STEPS)
    failure = {"code": "interrupted", "message": "The Butler was stopped.", "hint": "Deploy again.", "lines": []}
    butler.on("GET", f"/deployments/{NAME}", 200, view(NAME, error=failure, live_release=None))
    result = run("deploy", "https://github.com/octo/site")
    assert result.exit_code == 1
    assert "The Butler was stopped." in result.stderr


def test_deploy_as_json_is_one_object(run: Run, butler: FakeButler) -> None:
    deploys(butler, *STEPS, DONE)
    answer = one_object(run("deploy", "https://github.com/octo/site", "--json"))
    assert (answer["deployed_url"], answer["status"]) == ("http://localhost:8080", "success")
    assert (answer["container_name"], answer["release"]) == (NAME, 1)


def test_a_failure_as_json_is_one_object(run: Run, butler: FakeButler) -> None:
    deploys(butler, FAILED)
    result = run("deploy", "https://github.com/octo/site", "--json")
    answer = one_object(result)
    assert result.exit_code == 1
    assert answer["error"]["code"] == "dependency-not-found"
    assert answer["error"]["lines"] == ["npm error 404 Not Found"]
    assert (answer["container_name"], answer["status"]) == (NAME, "failed")


def test_detach_prints_the_name_and_returns(run: Run, butler: FakeButler) -> None:
    butler.on("POST", "/deploy", 202, STARTED)
    result = run("deploy", "https://github.com/octo/site", "--detach")
    assert (result.exit_code, result.stdout) == (0, f"{NAME}\n")
    assert [asked.path for asked in butler.asked] == ["/deploy"]


def test_an_interrupted_deploy_says_how_to_go_on(run: Run, butler: FakeButler, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    deploys(butler, DONE)
    monkeypatch.setattr("cli.live.Follower.events", interrupt)
    result = run("deploy", "https://github.com/octo/site")
    assert result.exit_code == 130
    assert f"./butler cancel {NAME}" in result.stderr
    assert f"./butler logs {NAME} --build -f" in result.stderr


def test_time_that_is_up_is_exit_code_7(run: Run, butler: FakeButler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.live._POLL_SECONDS", 0.05)
    deploys(butler, *STEPS)
    piece = {"release": 1, "lines": [], "next": 0, "closed": False}
    butler.on("GET", f"/deployments/{NAME}/logs", 200, piece)
    result = run("deploy", "https://github.com/octo/site", "--timeout", "1")
    assert result.exit_code == 7
    assert "It goes on." in result.stderr


def test_a_folder_is_deployed_as_the_repository_that_it_lies_in(run: Run, butler: FakeButler, tmp_path: Path) -> None:
    deploys(butler, DONE)
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    (tmp_path / "repo" / "web" / "app").mkdir(parents=True)
    result = run("deploy", str(tmp_path / "repo" / "web"), "--subdirectory", "app")
    assert result.exit_code == 0
    body = butler.ask("POST", "/deploy").body.decode()
    assert f"git_url={(tmp_path / 'repo').as_uri().replace(':', '%3A').replace('/', '%2F')}" in body
    assert "subdirectory=web%2Fapp" in body


def test_a_server_that_refuses_folders_is_answered_with_the_way_to_allow_them(
    run: Run, butler: FakeButler, tmp_path: Path
) -> None:
    (tmp_path / ".git").mkdir()
    butler.on("POST", "/deploy", 422, error("invalid-request", "Local repositories are switched off.", "Use https."))
    result = run("deploy", str(tmp_path))
    assert result.exit_code == 1
    assert "BUTLER_ALLOW_LOCAL_REPOSITORIES=true ./butler serve" in result.stderr


def test_a_folder_without_a_repository_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    result = run("deploy", str(tmp_path))
    assert result.exit_code == 2
    assert "is not a Git repository" in result.stderr
    assert "&& git init &&" in result.stderr
    assert run("deploy", str(tmp_path / "nowhere")).exit_code == 2


def test_whoever_is_not_logged_in_is_told_how(run: Run, butler: FakeButler) -> None:
    log_in_nobody()
    butler.on("GET", "/api/auth/me", 401, error("unauthorised", "No."))
    result = run("deploy", "https://github.com/octo/site")
    assert result.exit_code == 4
    assert "./butler login" in result.stderr


def test_without_a_server_the_way_to_start_one_comes_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in_nobody()
    monkeypatch.setenv("BUTLER_URL", "http://127.0.0.1:1")
    for words in (["deploy", "https://github.com/octo/site"], ["list"], ["health"]):
        result = run(*words)
        assert result.exit_code == 6
        assert "./butler serve" in result.stderr


def test_a_person_may_register_at_once(run: Run, butler: FakeButler, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in_nobody()
    monkeypatch.setattr("cli.accounts.is_interactive", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda *_, **__: "a long password")
    butler.on("GET", "/api/auth/me", 401, error("unauthorised", "No."))
    answer = {"access_token": "a", "refresh_token": "r", "expires_in": 1800, "user": {"username": "bob"}}
    butler.on("POST", "/api/auth/register", 201, answer)
    deploys(butler, DONE)
    result = run("deploy", "https://github.com/octo/site", typed="r\nbob\nbob@example.org\n")
    assert result.exit_code == 0
    assert result.stdout.endswith("http://localhost:8080\n"), "before it is what was typed"
    sent = json.loads(butler.ask("POST", "/api/auth/register").body)
    assert sent == {"username": "bob", "email": "bob@example.org", "password": "a long password"}
    assert butler.ask("POST", "/deploy").headers["Authorization"] == "Bearer a"


# --- logging in ---


def test_a_password_can_come_from_standard_input(run: Run, butler: FakeButler) -> None:
    answer = {"access_token": "a", "refresh_token": "r", "expires_in": 1800, "user": {"username": "alice"}}
    butler.on("POST", "/api/auth/login", 200, answer)
    result = run("login", "--username", "alice", "--password-stdin", typed="correct horse\n")
    assert result.exit_code == 0
    assert json.loads(butler.ask("POST", "/api/auth/login").body) == {"username": "alice", "password": "correct horse"}
    stored = SessionFile().get(butler.url)
    assert stored is not None
    assert (stored.access_token, stored.refresh_token) == ("a", "r")


def test_a_token_can_come_from_standard_input(run: Run, butler: FakeButler) -> None:
    butler.on("GET", "/api/auth/me", 200, {"username": "carol", "email": "c@example.org"})
    assert run("login", "--token-stdin", typed="some-token\n").exit_code == 0
    stored = SessionFile().get(butler.url)
    assert stored is not None
    assert (stored.username, stored.access_token) == ("carol", "some-token")


def test_a_wrong_password_is_exit_code_4(run: Run, butler: FakeButler) -> None:
    butler.on("POST", "/api/auth/login", 401, error("unauthorised", "The user name or the password is wrong."))
    result = run("login", "--username", "alice", "--password-stdin", typed="x\n")
    assert result.exit_code == 4
    assert "is wrong" in result.stderr


def test_login_without_a_terminal_names_the_flags(run: Run) -> None:
    result = run("login")
    assert result.exit_code == 2
    assert "--password-stdin" in result.stderr
    assert "--token-stdin" in result.stderr


def test_logout_forgets_the_log_in_also_without_a_server(run: Run, butler: FakeButler) -> None:
    butler.on("POST", "/api/auth/logout", 500, error("internal", "No."))
    assert run("logout").exit_code == 0
    assert SessionFile().get(butler.url) is None


# --- apps ---


def test_list_is_a_table_in_full_width_when_piped(run: Run) -> None:
    heads, first, second = run("list").stdout.splitlines()
    assert heads.split() == ["NAME", "STATE", "ADDRESS", "CHANGED", "REPOSITORY"]
    assert first.startswith(f"{NAME}  live    http://localhost:8080")
    assert first.endswith("github.com/octo/site")
    assert second.split()[1:3] == ["failed", "-"]


def test_list_as_json_is_one_object(run: Run) -> None:
    answer = one_object(run("list", "--json"))
    assert answer["total"] == 2
    assert answer["deployments"][0]["container_name"] == NAME


def test_a_name_that_is_nearly_right_is_suggested(run: Run) -> None:
    for words in (["status"], ["logs"], ["cancel"], ["destroy"], ["open"]):
        result = run(*words, "octo-site-a1b2c3d5")
        assert result.exit_code == 5
        assert f"Did you mean {NAME}?" in result.stderr


def test_status_shows_what_the_newest_release_failed_of(run: Run, butler: FakeButler) -> None:
    failure = {"code": "build-failed", "message": "The build failed.", "hint": "Correct it.", "lines": ["boom"]}
    butler.on("GET", f"/deployments/{NAME}", 200, view(NAME, error=failure, release=2))
    result = run("status", NAME)
    assert result.exit_code == 0
    assert "live (newest release failed)" in result.stdout
    assert "2; 1 is serving" in result.stdout
    assert "Release 2 failed: build-failed" in result.stderr
    assert one_object(run("status", NAME, "--json"))["error"]["code"] == "build-failed"


def test_destroy_needs_the_name_once_more(run: Run, butler: FakeButler) -> None:
    butler.on("DELETE", f"/deployments/{NAME}", 200, {"message": "Deployment destroyed.", "container_name": NAME})
    refused = run("destroy", NAME)
    assert refused.exit_code == 2
    assert "--confirm" in refused.stderr
    assert run("destroy", NAME, "--confirm", "octo").exit_code == 2
    assert not [asked for asked in butler.asked if asked.method == "DELETE"]
    assert run("destroy", NAME, "--confirm", NAME).exit_code == 0
    assert one_object(run("destroy", NAME, "--confirm", NAME, "--json"))["container_name"] == NAME


def test_destroy_asks_a_person_to_type_the_name(run: Run, butler: FakeButler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.accounts.is_interactive", lambda: True)
    butler.on("DELETE", f"/deployments/{NAME}", 200, {"message": "Deployment destroyed.", "container_name": NAME})
    assert run("destroy", NAME, typed="no\n").exit_code == 2
    assert run("destroy", NAME, typed=f"{NAME}\n").exit_code == 0


def test_cancel_where_nothing_runs_is_exit_code_1(run: Run, butler: FakeButler) -> None:
    butler.on("POST", f"/deployments/{NAME}/cancel", 409, error("conflict", "It is not being deployed."))
    assert run("cancel", NAME).exit_code == 1


def test_the_build_log_has_times_and_steps_and_can_be_cut(run: Run, butler: FakeButler) -> None:
    deploys(butler, *STEPS, DONE)
    shown = run("logs", NAME, "--build").stdout.splitlines()
    assert len(shown) == 4
    assert shown[1].split(" ", 1)[1] == "build    | added 71 packages"
    assert len(run("logs", NAME, "--build", "-n", "2").stdout.splitlines()) == 2
    assert one_object(run("logs", NAME, "--build", "--json"))["lines"][0]["seq"] == 1
    streamed = run("logs", NAME, "--build", "--json", "-f").stdout.splitlines()
    assert [json.loads(line)["seq"] for line in streamed] == [1, 2, 3, 4]


def test_logs_of_a_live_app_are_what_it_writes(run: Run, butler: FakeButler) -> None:
    def answer(asked: Asked) -> tuple[int, Any]:
        assert asked.query["source"] == "app"
        return 200, {"lines": [{"text": "\x1b]0;x\x07one"}, {"text": "two"}]}

    butler.answers["GET", f"/deployments/{NAME}/logs"] = answer
    result = run("logs", NAME)
    assert result.stdout == "one\ntwo\n"
    assert "--build" in result.stderr


def test_logs_of_a_live_app_are_followed_as_they_come(run: Run, butler: FakeButler) -> None:
    stream = b'{"service": "", "text": "one"}\n\n{"service": "web", "text": "two"}\n'
    butler.on("GET", f"/deployments/{NAME}/logs/live", 200, stream)
    result = run("logs", NAME, "-f", "-n", "5")
    assert result.stdout == "one\nweb | two\n"
    assert butler.ask("GET", f"/deployments/{NAME}/logs/live").query == {"tail": "5"}
    assert "have ended" in result.stderr


# --- plan ---


def test_a_folder_is_planned_without_a_server(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUTLER_URL", "http://127.0.0.1:1")
    (tmp_path / "index.html").write_text("<h1>Hello</h1>")
    answer = one_object(run("plan", str(tmp_path), "--json"))
    assert list(answer) == ["schema", *PLAN_KEYS]
    assert (answer["kind"], answer["error"]) == ("static", None)
    shown = run("plan", str(tmp_path))
    assert shown.exit_code == 0
    assert "is deployed as static" in shown.stdout
    assert "FROM" in run("plan", str(tmp_path), "--dockerfile").stdout


def test_a_folder_that_cannot_be_planned_has_the_same_keys(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    result = run("plan", str(tmp_path), "--json")
    answer = one_object(result)
    assert result.exit_code == 1
    assert list(answer) == ["schema", *PLAN_KEYS]
    assert (answer["kind"], answer["error"]["code"]) == ("none", "nothing-recognised")
    assert run("plan", str(tmp_path)).exit_code == 1


def test_the_keys_of_a_plan_are_the_servers() -> None:
    assert tuple(plan_as_dict(Plan("x", Kind.NONE))) == PLAN_KEYS


def test_an_address_is_planned_by_the_server(run: Run, butler: FakeButler) -> None:
    found = {**plan_as_dict(Plan("node", Kind.NODE, start="npm start", dockerfile="FROM x\n")), "commit": "0123"}
    butler.on("POST", "/api/plan", 200, found)
    assert one_object(run("plan", "https://github.com/octo/site", "--json"))["start"] == "npm start"
    assert run("plan", "https://github.com/octo/site", "--dockerfile").stdout == "FROM x\n"
    butler.on("POST", "/api/plan", 422, error("nothing-recognised", "Nothing.", "", ("candidate: web/ (spa)",)))
    failed = run("plan", "https://github.com/octo/site", "--json")
    assert failed.exit_code == 1
    assert one_object(failed)["candidates"] == ["web/ (spa)"]


def test_a_repositorys_own_dockerfile_is_shown_of_a_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY a /a\n")
    assert run("plan", str(tmp_path), "--dockerfile").stdout == "FROM scratch\nCOPY a /a\n"


# --- the machine, and usage ---


def test_health_tells_each_tool_and_a_degraded_one_by_exit_code_3(run: Run, butler: FakeButler) -> None:
    checks = {"docker": {"ok": True, "version": "26.1.5", "message": "", "hint": ""}}
    butler.on("GET", "/health", 200, {"status": "ok", "version": "1", "checks": checks})
    assert run("health").exit_code == 0
    checks = {"docker": {"ok": False, "version": None, "message": "Docker does not answer.", "hint": "Start it."}}
    butler.on("GET", "/health", 503, {"status": "degraded", "version": "1", "checks": checks})
    result = run("health")
    assert result.exit_code == 3
    assert "Docker does not answer." in result.stdout
    as_json = run("health", "--json")
    assert (as_json.exit_code, one_object(as_json)["status"]) == (3, "degraded")


def test_a_page_is_no_health(run: Run, butler: FakeButler) -> None:
    butler.on("GET", "/health", 200, b"<h1>nginx</h1>")
    assert run("health").exit_code == 6


def test_the_version_is_the_servers(run: Run) -> None:
    assert run("version").stdout == f"{VERSION}\n"
    assert run("--version").stdout == f"{VERSION}\n"
    assert one_object(run("version", "--json"))["version"] == VERSION


def test_wrong_usage_is_exit_code_2_and_a_command_is_suggested(run: Run) -> None:
    result = run("deplo")
    assert result.exit_code == 2
    assert "Did you mean 'deploy'" in result.stderr


def test_wrong_usage_as_json_is_one_object(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["butler", "list", "--json", "--nope"])
    with pytest.raises(SystemExit) as ended:
        butler_cli.main()
    assert ended.value.code == 2
    assert "--nope" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_the_help_tells_every_exit_code(run: Run) -> None:
    text = run("--help").stdout
    for code in ExitCode:
        assert f"{int(code)} " in text


def test_a_folder_that_may_not_be_written_to_is_said(
    run: Run, butler: FakeButler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"access_token": "a", "refresh_token": "r", "expires_in": 1800, "user": {"username": "alice"}}
    butler.on("POST", "/api/auth/login", 200, answer)
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("cli.credentials._default_folder", lambda: tmp_path / "file" / "config")
    result = run("login", "--username", "alice", "--password-stdin", typed="x\n")
    assert result.exit_code == 1
    assert "Not a directory" in result.stderr


def test_ctrl_c_where_something_is_asked_is_exit_code_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise typer.Abort

    monkeypatch.setattr("cli.accounts.is_interactive", lambda: True)
    monkeypatch.setattr("typer.prompt", interrupt)
    assert run("destroy", NAME).exit_code == 130


def test_a_name_cannot_lead_to_another_address(run: Run, butler: FakeButler) -> None:
    for name in ("../api/auth/github-token", "..", "x?y=1", "x#y"):
        assert run("destroy", name, "--confirm", name).exit_code == 5
    assert {asked.path for asked in butler.asked} <= {
        "/deployments",
        "/deployments/..%2Fapi%2Fauth%2Fgithub-token",
        "/deployments/x%3Fy%3D1",
        "/deployments/x%23y",
    }
