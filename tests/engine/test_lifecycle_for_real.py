"""Stop, start, restart and redeploy on a real engine, for a single app and for a stack; and a private repository."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.engine.harness import Client, Repository, Server, body_of, docker, free_port, inspect, sweep
from tests.fake_github import FakeGithub, Token, serve

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

SERVER = """
import http.server, os, pathlib
{before}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(({body}).encode())
    def log_message(self, *words): pass
print("listening", flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", "7000"))), Handler).serve_forever()
"""
DOCKERFILE = 'FROM python:3.11-slim\nWORKDIR /app\nCOPY server.py .\nEXPOSE 7000\nCMD ["python3", "server.py"]\n'
FAILS_THE_SECOND_TIME = """
mark = pathlib.Path("/tmp/started")
if mark.exists():
    raise SystemExit("no second life with " + os.environ.get("KEY", ""))
mark.touch()
"""
SECRET = "very-secret-value"
STACK = """
services:
  web:
    build: .
    ports: ["7000:7000"]
    depends_on:
      migrate: {condition: service_completed_successfully}
      store: {condition: service_started}
    volumes: ["data:/data"]
  store:
    build: .
    command: ["python3", "-c", "import time; time.sleep(10000)"]
    init: true
    restart: unless-stopped
  migrate:
    build: .
    command: ["python3", "-c", "open('/data/runs', 'a').write('x')"]
    volumes: ["data:/data"]
volumes:
  data:
"""


def files(*, body: str = "'one'", before: str = "") -> dict[str, str]:
    return {"server.py": SERVER.format(body=body, before=before), "Dockerfile": DOCKERFILE}


def do(client: Client, name: str, deed: str, status: int = 200) -> dict[str, Any]:
    answer = client.post(f"/deployments/{name}/{deed}")
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


def view(client: Client, name: str) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"/deployments/{name}").json()
    return body


def is_refused(url: str) -> bool:
    try:
        body_of(url)
    except httpx2.TransportError:
        return True
    return False


def states_of(app: str) -> dict[str, tuple[str, str]]:
    """How each container of an app is, and what the engine would do with it."""
    found = {}
    for name in docker("ps", "--all", "--format", "{{.Names}}", "--filter", f"label=butler.app={app}").split():
        facts = inspect(name)
        service = facts["Config"]["Labels"].get("com.docker.compose.service", name)
        found[service] = (facts["State"]["Status"], facts["HostConfig"]["RestartPolicy"]["Name"])
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that the tests of this file stop and start."""
    settings = {"BUTLER_FIRST_HOST_PORT": "20080", "BUTLER_START_TIMEOUT_SECONDS": "20"}
    server = Server(tmp_path_factory.mktemp("butler"), free_port(), settings)
    server.start()
    yield server
    server.stop()
    sweep(server)


@pytest.fixture
def ann(server: Server) -> Iterator[Client]:
    client = server.user()
    yield client
    for row in client.get("/deployments").json():
        client.destroy(row["container_name"])


def restart_the_butler(server: Server) -> None:
    """End the process as a crash does, and start another one."""
    server.stop(kill=True)
    server.start()


def wait_for(check: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.2)


# --- a single app


def test_a_stopped_app_refuses_and_answers_at_the_same_address_once_it_is_started(
    ann: Client, server: Server, repository: Repository
) -> None:
    repository.commit(files())
    deployed = ann.deploy(repository)
    app, url = deployed["container_name"], deployed["deployed_url"]
    running = view(ann, app)["app_state"]
    assert (running["state"], running["restart_count"], len(running["services"])) == ("running", 0, 1)
    assert ann.get("/deployments").json()[0]["app_state"] == running

    assert do(ann, app, "stop")["changed"] and is_refused(url)
    assert do(ann, app, "stop")["changed"] is False
    stopped = view(ann, app)
    assert (stopped["status"], stopped["phase"], stopped["app_state"]["state"]) == ("success", "stopped", "stopped")
    assert ann.get("/deployments").json()[0]["app_state"] == stopped["app_state"]
    assert states_of(app) == {app: ("exited", "no")}

    restart_the_butler(server)
    assert view(ann, app)["phase"] == "stopped"
    time.sleep(2)  # the comparison of the records with the engine goes on behind the answers
    assert states_of(app) == {app: ("exited", "no")} and is_refused(url)

    started = do(ann, app, "start")
    assert (started["changed"], started["deployment"]["deployed_url"], body_of(url)) == (True, url, "one")
    assert states_of(app) == {app: ("running", "always")}
    assert do(ann, app, "start")["message"] == "Already running."


def test_what_runs_although_it_was_stopped_is_stopped_when_the_butler_comes_back(
    ann: Client, server: Server, repository: Repository
) -> None:
    repository.commit(files())
    app = ann.deploy(repository)["container_name"]
    do(ann, app, "stop")
    server.stop(kill=True)
    docker("start", app)
    server.start()
    wait_for(lambda: states_of(app)[app][0] == "exited")


def test_a_restart_is_a_new_start_at_the_same_address(ann: Client, repository: Repository) -> None:
    repository.commit(files(body="repr(pathlib.Path('/proc/uptime').read_text()) and str(os.getpid())"))
    deployed = ann.deploy(repository)
    app, url = deployed["container_name"], deployed["deployed_url"]
    before = inspect(app)["State"]["StartedAt"]
    assert do(ann, app, "restart")["message"] == "Restarted."
    assert body_of(url) and inspect(app)["State"]["StartedAt"] > before
    docker("kill", app)
    wait_for(lambda: inspect(app)["State"]["Status"] in ("running", "exited"))
    assert do(ann, app, "restart")["deployment"]["app_state"]["state"] == "running" and body_of(url)


def test_a_redeploy_brings_the_newest_commit_and_the_edited_variables(ann: Client, repository: Repository) -> None:
    repository.commit({**files(body="os.environ['KEY']"), ".env.example": "# needed\nKEY=\n"})
    deployed = ann.deploy(repository, env="KEY=first\n")
    app, url = deployed["container_name"], deployed["deployed_url"]
    assert ann.get(f"/deployments/{app}/env/example").json()["variables"] == [
        {"name": "KEY", "source": ".env.example:2", "is_set": True}
    ]
    ann.patch(f"/deployments/{app}/env", json={"set": {"KEY": "second"}}).raise_for_status()
    do(ann, app, "restart")
    assert body_of(url) == "first" and view(ann, app)["env_pending"]
    commit = repository.commit(files(body="os.environ['KEY'] + ' indeed'"))
    assert do(ann, app, "redeploy")["release"] == 2 and body_of(url) == "second indeed"
    releases = ann.get(f"/deployments/{app}/releases").json()
    assert [(one["number"], one["trigger"], one["is_live"]) for one in releases] == [
        (2, "redeploy", True),
        (1, "deploy", False),
    ]
    assert releases[0]["commit_sha"] == commit and not view(ann, app)["env_pending"]


def test_a_start_that_fails_is_explained_and_leaves_the_app_stopped(ann: Client, repository: Repository) -> None:
    repository.commit(files(before=FAILS_THE_SECOND_TIME))
    app = ann.deploy(repository, env=f"KEY={SECRET}\n")["container_name"]
    do(ann, app, "stop")
    error = do(ann, app, "start", 422)["error"]
    assert error["code"] == "crashed-at-start" and any("no second life" in line for line in error["lines"])
    assert SECRET not in str(error)
    row = view(ann, app)
    assert (row["status"], row["phase"], row["app_state"]["state"]) == ("failed", "stopped", "stopped")
    assert states_of(app) == {app: ("exited", "no")}
    repository.commit(files())
    assert do(ann, app, "redeploy")["status"] == "success" and states_of(app) == {app: ("running", "always")}


def test_a_restart_after_which_the_app_ends_leaves_it_stopped_and_says_so(ann: Client, repository: Repository) -> None:
    repository.commit(files(before=FAILS_THE_SECOND_TIME))
    app = ann.deploy(repository)["container_name"]
    assert do(ann, app, "restart", 422)["error"]["code"] == "crashed-at-start"
    row = view(ann, app)
    assert (row["status"], row["phase"], row["error"]["code"]) == ("failed", "stopped", "crashed-at-start")
    assert states_of(app) == {app: ("exited", "no")}


def test_a_redeploy_of_a_stopped_app_that_fails_does_not_start_it(ann: Client, repository: Repository) -> None:
    repository.commit(files())
    deployed = ann.deploy(repository)
    app, url = deployed["container_name"], deployed["deployed_url"]
    do(ann, app, "stop")
    started = inspect(app)["State"]["StartedAt"]
    repository.commit(files(before="raise SystemExit('no luck')"))
    assert do(ann, app, "redeploy", 422)["error"]["code"] == "crashed-at-start"
    assert (view(ann, app)["phase"], inspect(app)["State"]["StartedAt"]) == ("stopped", started)
    assert states_of(app) == {app: ("exited", "no")} and is_refused(url)
    assert do(ann, app, "start")["message"] == "Started." and body_of(url) == "one"


def test_an_app_whose_networks_were_cleared_away_while_it_was_stopped_starts_all_the_same(
    ann: Client, repository: Repository
) -> None:
    repository.commit(files())
    deployed = ann.deploy(repository)
    app = deployed["container_name"]
    do(ann, app, "stop")
    names = [name for name in inspect(app)["NetworkSettings"]["Networks"] if name.startswith("butler-")]
    docker("network", "rm", *names)
    do(ann, app, "start")
    assert body_of(deployed["deployed_url"]) == "one"
    assert set(names) <= set(inspect(app)["NetworkSettings"]["Networks"])


def test_a_stopped_app_can_be_destroyed(ann: Client, repository: Repository) -> None:
    repository.commit(files())
    app = ann.deploy(repository)["container_name"]
    do(ann, app, "stop")
    ann.destroy(app)
    assert states_of(app) == {} and ann.get(f"/deployments/{app}").status_code == 404


# --- a stack


def test_a_stack_is_stopped_and_started_whole(ann: Client, server: Server, repository: Repository) -> None:
    repository.commit({**files(body="pathlib.Path('/data/runs').read_text()"), "compose.yaml": STACK})
    deployed = ann.deploy(repository)
    app, url = deployed["container_name"], deployed["deployed_url"]
    assert body_of(url) == "x"
    services = {one["service"]: one for one in view(ann, app)["app_state"]["services"]}
    assert services["web"]["is_site"] and services["store"]["state"] == "running"

    do(ann, app, "stop")
    assert is_refused(url)
    assert states_of(app) == {name: ("exited", "no") for name in ("web", "store", "migrate")}
    restart_the_butler(server)
    time.sleep(2)
    assert states_of(app) == {name: ("exited", "no") for name in ("web", "store", "migrate")}

    assert do(ann, app, "start")["deployment"]["deployed_url"] == url
    assert body_of(url) == "xx", "the volume is the same, and the one-shot job ran again"
    assert states_of(app) == {
        "web": ("running", "always"),
        "store": ("running", "always"),
        "migrate": ("exited", "no"),
    }
    do(ann, app, "restart")
    assert body_of(url) == "xxx" and states_of(app)["store"] == ("running", "always")


def test_a_redeploy_of_a_stopped_stack_that_fails_does_not_start_it(ann: Client, repository: Repository) -> None:
    repository.commit({**files(), "compose.yaml": STACK})
    deployed = ann.deploy(repository)
    app, url = deployed["container_name"], deployed["deployed_url"]
    do(ann, app, "stop")
    repository.commit(files(before="raise SystemExit('no luck')"))
    assert do(ann, app, "redeploy", 422)["error"]["code"] == "crashed-at-start"
    assert view(ann, app)["phase"] == "stopped" and is_refused(url)
    assert {state for state, _policy in states_of(app).values()} <= {"exited", "created"}
    do(ann, app, "start")
    assert body_of(url) == "one" and states_of(app)["store"] == ("running", "always")
    repository.commit(files(body="'two'"))
    do(ann, app, "stop")
    assert do(ann, app, "redeploy")["status"] == "success" and body_of(url) == "two"
    assert states_of(app)["store"] == ("running", "always")


# --- a private repository, found in the browser and deployed with the stored token


@pytest.fixture
def github(tmp_path: Path) -> Iterator[FakeGithub]:
    with serve(tmp_path / "github") as github:
        github.tokens["ghp_annannann"] = Token("ann")
        yield github


def test_a_private_repository_goes_from_the_browser_to_a_live_address(
    make_server: Callable[..., Server], github: FakeGithub
) -> None:
    github.add("ann/secret", files(), private=True)
    server = make_server(
        BUTLER_GITHUB_API_URL=github.url,
        BUTLER_ALLOWED_PRIVATE_HOSTS="127.0.0.1",
        BUTLER_FIRST_HOST_PORT="20480",
    )
    ann, bob = server.user(), server.user()
    ann.put("/api/auth/github-token", json={"token": "ghp_annannann"}).raise_for_status()
    found = ann.get("/api/github/repos?search=secret").json()["repositories"][0]
    assert found["private"]
    assert ann.post("/api/plan", json={"git_url": found["clone_url"]}).json()["kind"] == "dockerfile"
    deployed = ann.deploy(found["clone_url"])
    assert body_of(deployed["deployed_url"]) == "one"
    log = ann.log(deployed["container_name"])
    assert "ghp_annannann" not in log and "ghp_annannann" not in (server.data_dir / "server.log").read_text()
    refused = bob.try_deploy(found["clone_url"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "repository-private")
    ann.destroy(deployed["container_name"])
