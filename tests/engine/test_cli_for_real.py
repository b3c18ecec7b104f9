"""The command line as people run it: processes of their own against a real server on a real engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine.harness import EXAMPLES, ROOT, Repository, Server, body_of, free_port, objects_of

pytestmark = pytest.mark.engine


@dataclass
class CommandLine:
    """Runs `butler_cli.py` with a configuration of its own."""

    folder: Path
    url: str

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BUTLER_")}
        own = {"XDG_CONFIG_HOME": str(self.folder), "HOME": str(self.folder), "BUTLER_URL": self.url}
        return {**kept, **own, **more}

    def __call__(
        self, *words: str, code: int = 0, typed: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [sys.executable, str(ROOT / "butler_cli.py"), *words],
            input=typed,
            capture_output=True,
            text=True,
            timeout=600,
            env=self.environment(**environment),
            cwd=self.folder,
        )
        assert result.returncode == code, result.stdout + result.stderr
        return result


@pytest.fixture
def cli(butler: Server, tmp_path: Path) -> Iterator[CommandLine]:
    """Somebody who has registered; their apps go at the end."""
    (tmp_path / "home").mkdir()
    run = CommandLine(tmp_path / "home", butler.base)
    name = f"cli{free_port()}"
    flags = ["--username", name, "--email", f"{name}@example.org", "--password-stdin"]
    run("register", *flags, typed="a long enough password\n")
    yield run
    for row in json.loads(run("list", "--json").stdout)["deployments"]:
        run("destroy", row["container_name"], "--confirm", row["container_name"])


@pytest.fixture
def site(make_repository: Callable[[str], Repository]) -> Repository:
    repository = make_repository("cli-site")
    repository.copy_of(EXAMPLES / "static")
    return repository


def test_an_app_is_deployed_looked_at_and_destroyed_by_typing(
    cli: CommandLine, site: Repository, butler: Server
) -> None:
    deployed = cli("deploy", str(site.folder))
    url = deployed.stdout.strip()
    assert deployed.stdout == f"{url}\n", "the address, and only that"
    assert "<" in body_of(url)
    for stage in ("validate", "clone", "detect", "clean", "build", "start", "port", "verify", "record"):
        assert f"{stage.ljust(8)} done in " in deployed.stderr

    listed = json.loads(cli("list", "--json").stdout)
    assert (listed["schema"], listed["total"]) == (1, 1)
    name = listed["deployments"][0]["container_name"]
    assert name in cli("list").stdout
    assert url in cli("status", name).stdout

    log = cli("logs", name, "--build", "-f").stdout
    assert f"Live at {url}" in log.splitlines()[-1]
    streamed = [json.loads(line) for line in cli("logs", name, "--build", "-f", "--json").stdout.splitlines()]
    assert [line["seq"] for line in streamed] == list(range(1, len(streamed) + 1))
    assert len(cli("logs", name, "--app", "-n", "1").stdout.splitlines()) <= 1

    again = json.loads(cli("deploy", site.url, "--name", name, "--json").stdout)
    assert (again["deployed_url"], again["release"], again["status"]) == (url, 2, "success")

    assert "--confirm" in cli("destroy", name, code=2).stderr
    cli("destroy", name, "--confirm", name)
    assert not any(objects_of(butler, name).values())
    assert "octo-cli-site" not in cli("list").stdout
    cli("status", name, code=5)


def test_what_is_set_by_typing_is_deployed_and_kept(cli: CommandLine, site: Repository, tmp_path: Path) -> None:
    site.commit({"other/index.html": "the other folder"})
    file = tmp_path / "mine.yml"
    file.write_text("run:\n  port: 9000\nbuild: {output: nowhere}\n")
    words = ["--overrides", str(file), "--set", "build.output=other"]
    planned = json.loads(cli("plan", site.url, *words, "--json").stdout)
    assert (planned["port"], planned["output"]) == (9000, "other")
    deployed = json.loads(cli("deploy", site.url, *words, "--json").stdout)
    assert body_of(deployed["deployed_url"]) == "the other folder"
    assert deployed["deployment"]["container_port"] == 9000
    again = json.loads(cli("redeploy", deployed["container_name"], "--json").stdout)
    assert again["deployment"]["overrides"] == {"run": {"port": 9000}, "build": {"output": "other"}}
    file.write_text("run:\n  prot: 1\n")
    refused = cli("deploy", site.url, "--overrides", str(file), code=1)
    assert "overrides:2: run.prot is not a key; did you mean run.port?" in refused.stderr


def test_a_failed_deployment_is_told_with_lines_remedy_and_the_way_to_its_log(
    cli: CommandLine, make_repository: Callable[[str], Repository]
) -> None:
    repository = make_repository("cli-broken")
    repository.commit({"Dockerfile": "FROM node:22-slim\nRUN echo about to break && exit 3\n"})
    failed = cli("deploy", repository.url, code=1)
    assert failed.stdout == ""
    name = json.loads(cli("list", "--json").stdout)["deployments"][0]["container_name"]
    assert "Deployment failed: build-failed" in failed.stderr
    assert "What to do:" in failed.stderr
    assert f"./butler logs {name} --build" in failed.stderr
    assert "about to break" in cli("logs", name).stdout
    answer = json.loads(cli("deploy", repository.url, "--name", name, "--json", code=1).stdout)
    assert (answer["schema"], answer["error"]["code"], answer["status"]) == (1, "build-failed", "failed")


def test_a_log_is_followed_while_the_deployment_runs_and_a_cancel_ends_both(
    cli: CommandLine, make_repository: Callable[[str], Repository]
) -> None:
    repository = make_repository("cli-slow")
    repository.commit({"Dockerfile": "FROM node:22-slim\nRUN echo it begins && sleep 120\nCMD sleep 1\n"})
    name = cli("deploy", repository.url, "--detach").stdout.strip()
    argv = [sys.executable, str(ROOT / "butler_cli.py"), "logs", name, "--build", "-f"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=cli.environment()) as follower:
        assert follower.stdout is not None
        assert next(line for line in follower.stdout if "| it begins" in line), "while the build goes on"
        cli("cancel", name)
        seen = follower.stdout.read().splitlines()
    assert follower.returncode == 0
    assert "failed: The deployment was cancelled." in seen[-1]
    cli("cancel", name, code=1)


def test_a_deploy_that_takes_too_long_goes_on_without_us(
    cli: CommandLine, make_repository: Callable[[str], Repository]
) -> None:
    repository = make_repository("cli-late")
    repository.commit({"Dockerfile": "FROM node:22-slim\nRUN sleep 60\nCMD sleep 1\n"})
    late = cli("deploy", repository.url, "--timeout", "2", code=7)
    name = json.loads(cli("list", "--json").stdout)["deployments"][0]["container_name"]
    assert f"./butler cancel {name}" in late.stderr
    assert json.loads(cli("status", name, "--json").stdout)["status"] == "starting"
    cli("cancel", name)


def test_a_repository_is_planned_by_the_server_as_its_folder_is_here(cli: CommandLine, site: Repository) -> None:
    here = json.loads(cli("plan", str(site.folder), "--json").stdout)
    there = json.loads(cli("plan", site.url, "--json").stdout)
    assert here == {key: there[key] for key in here}
    assert here["kind"] == "static"
    offline = json.loads(cli("plan", str(site.folder), "--json", BUTLER_URL="http://127.0.0.1:1").stdout)
    assert offline == here


def test_the_state_of_the_server_and_of_the_log_in_are_told(cli: CommandLine, butler: Server) -> None:
    assert "is well" in cli("health").stdout
    health = json.loads(cli("health", "--json").stdout)
    assert (health["schema"], health["status"], set(health["checks"])) == (
        1,
        "ok",
        {"database", "docker", "compose", "git"},
    )
    assert "./butler serve" in cli("health", code=6, BUTLER_URL=f"http://127.0.0.1:{free_port()}").stderr
    name = cli("whoami").stdout.strip()
    cli("logout")
    assert "./butler login" in cli("list", code=4).stderr
    cli("login", "--username", name, "--password-stdin", code=4, typed="a wrong password\n")
    cli("login", "--username", name, "--password-stdin", typed="a long enough password\n")
    assert cli("whoami").stdout == f"{name}\n"


def test_the_stand_ins_of_base_images_are_listed(cli: CommandLine) -> None:
    answer = json.loads(cli("base-images", "list", "--json").stdout)
    assert answer["schema"] == 1
    assert all(one["name"].startswith("local-registry/base-") for one in answer["base_images"])
