"""Overrides on a real engine: port, commands, folder and service are the request's, and the next deployment keeps them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml

from tests.engine.harness import EXAMPLES, Client, Repository, body_of, inspect

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

SERVER = """
const http = require('node:http');
const body = `${process.argv[2] || 'plain'} on ${process.env.PORT}`;
http.createServer((_, answer) => answer.end(body)).listen(Number(process.env.PORT));
"""
NODE = {
    "package.json": json.dumps({"name": "a", "version": "1.0.0", "scripts": {"start": "node server.js"}}),
    "server.js": SERVER,
}
PAGES = {
    "package.json": json.dumps({"name": "p", "version": "1.0.0", "scripts": {"build": "node esbuild.mjs"}}),
    "index.html": "source",
    "esbuild.mjs": "import { mkdirSync, writeFileSync } from 'node:fs';\n"
    "for (const name of ['dist', 'made/site']) { mkdirSync(name, { recursive: true });\n"
    "  writeFileSync(`${name}/index.html`, `page of ${name}`); }\n",
}
PYTHON = "FROM python:3.11-slim\nWORKDIR /srv\nRUN echo {name} > index.html\n"
STACK = {
    "compose.yml": "services:\n"
    "  web: {build: {context: ., dockerfile: web.Dockerfile}, ports: ['80:8001']}\n"
    "  admin: {build: {context: ., dockerfile: admin.Dockerfile}, expose: ['8003']}\n",
    "web.Dockerfile": PYTHON.format(name="web") + 'CMD ["python3", "-m", "http.server", "8001"]\n',
    "admin.Dockerfile": PYTHON.format(name="admin") + 'CMD ["python3", "-m", "http.server", "8002"]\n',
}


def plan_of(client: Client, app: str, release: int) -> dict[str, Any]:
    plan: dict[str, Any] = client.get(f"/deployments/{app}/releases/{release}").json()["plan"]
    return plan


def sources(plan: dict[str, Any]) -> dict[str, str]:
    return {entry["field"]: entry["source"] for entry in plan["evidence"]}


def test_port_and_start_command_are_the_requests_and_a_redeploy_keeps_them(
    alice: Client, repository: Repository
) -> None:
    repository.commit({**NODE, "butler.yml": "run:\n  port: 4001\n  command: node server.js file\n"})
    overrides = "run:\n  port: 4002\n  command: node server.js mine\n"
    first = alice.deploy(repository, env="PORT=4003\n", overrides=overrides)
    app, url = first["container_name"], first["deployed_url"]
    assert body_of(url) == "mine on 4002"
    told = sources(plan_of(alice, app, 1))
    assert told["port"] == "run.port in the request, which beats PORT in its backend_env"
    assert told["start"] == "run.command in the request"

    image = inspect(app)["Image"]
    again = alice.post(f"/deployments/{app}/redeploy").json()
    assert (again["release"], body_of(url)) == (2, "mine on 4002")
    assert inspect(app)["Image"] == image
    assert alice.get(f"/deployments/{app}/releases/2").json()["image_reused"] is True
    assert alice.get(f"/deployments/{app}").json()["overrides"] == {
        "run": {"port": 4002, "command": "node server.js mine"}
    }

    view = alice.put(f"/deployments/{app}/overrides", json={"run": {"command": "node server.js put"}}).json()
    assert (view["pending"], body_of(url)) == (True, "mine on 4002")
    alice.post(f"/deployments/{app}/redeploy")
    assert body_of(url) == "put on 4003", "PORT of the variables is the request's word again"
    assert inspect(app)["Image"] != image, "what changes the image is built"

    alice.deploy(repository, name=app, overrides="")
    assert body_of(url) == "file on 4003"


def test_version_install_command_and_output_folder_are_the_requests(alice: Client, repository: Repository) -> None:
    repository.commit(PAGES)
    overrides = {
        "build": {
            "version": "22",
            "install": "npm install --no-fund && echo installed > /tmp/note && cat index.html",
            "command": "npm run build",
            "output": "made/site",
        }
    }
    made = alice.deploy(repository, overrides=json.dumps(overrides))
    app = made["container_name"]
    assert body_of(made["deployed_url"]) == "page of made/site"
    assert "source" in alice.log(app), "the install command sees the source"
    told = sources(plan_of(alice, app, 1))
    assert {told[name] for name in ("version", "install", "build", "output")} == {
        f"build.{name} in the request" for name in ("version", "install", "command", "output")
    }
    overrides["build"]["output"] = "nowhere"
    failed = alice.try_deploy(repository, name=app, overrides=json.dumps(overrides))
    assert failed.status_code == 422
    assert any("wrote no folder nowhere/" in line for line in failed.json()["error"]["lines"])
    assert body_of(made["deployed_url"]) == "page of made/site"


@pytest.mark.parametrize(("manager", "kind"), [("uv", "fastapi"), ("pnpm", "node")])
def test_another_package_manager_installs_the_same_app(
    alice: Client, repository: Repository, manager: str, kind: str
) -> None:
    repository.copy_of(EXAMPLES / kind)
    probe = yaml.safe_load((EXAMPLES / kind / "expect.yml").read_text())["probe"]
    made = alice.deploy(repository, overrides=json.dumps({"build": {"package_manager": manager}}))
    plan = plan_of(alice, made["container_name"], 1)
    assert (plan["package_manager"], plan["install"].split()[0]) == (manager, manager)
    assert sources(plan)["package_manager"] == "build.package_manager in the request"
    assert probe["contains"] in body_of(made["deployed_url"] + probe["path"])


def test_another_service_of_a_stack_is_its_site_on_the_port_that_was_told(
    alice: Client, repository: Repository
) -> None:
    repository.commit(STACK)
    first = alice.deploy(repository)
    assert body_of(first["deployed_url"]).strip() == "web"
    overrides = json.dumps({"run": {"service": "admin", "port": 8002}})
    again = alice.deploy(repository, name=first["container_name"], overrides=overrides)
    assert body_of(again["deployed_url"]).strip() == "admin"
    assert again["deployment"]["container_port"] == 8002


def test_simultaneous_requests_with_one_key_make_one_app(alice: Client, repository: Repository) -> None:
    repository.commit(NODE)
    alice.headers["Idempotency-Key"] = "one and the same".replace(" ", "-")
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda _: alice.deploy(repository), range(3)))
    del alice.headers["Idempotency-Key"]
    assert len({one["deployed_url"] for one in made}) == 1
    assert [row["release"] for row in alice.get("/deployments").json()] == [1]
