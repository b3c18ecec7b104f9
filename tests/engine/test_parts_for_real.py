"""A front end beside a back end, and a site beside its worker, from a Git repository to addresses on a real engine."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx2
import pytest

from tests.engine.harness import Client, Repository, body_of, docker, inspect, objects_of

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

FRONT = {
    "frontend/package.json": json.dumps(
        {
            "name": "front",
            "private": True,
            "type": "module",
            "scripts": {"dev": "vite", "build": "vite build"},
            "dependencies": {"react": "19.2.0", "react-dom": "19.2.0"},
            "devDependencies": {"vite": "7.2.4"},
        }
    ),
    "frontend/index.html": '<title>Guest book</title><div id="root"></div>'
    '<script type="module" src="/src/main.jsx"></script>',
    "frontend/src/main.jsx": """
import { createElement, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
const API = import.meta.env.VITE_API_BASE_URL;
function App() {
  const [text, setText] = useState("...");
  useEffect(() => { fetch(`${API}/hello`).then((r) => r.json()).then((d) => setText(d.message)); }, []);
  return createElement("h1", null, text);
}
createRoot(document.getElementById("root")).render(createElement(App));
""",
}
BACK = {
    "backend/requirements.txt": "fastapi\nuvicorn\n",
    "backend/main.py": """
import hashlib, os
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=os.environ["CORS_ORIGINS"].split(","))
@app.get("/hello")
def hello():
    token = hashlib.sha256(os.environ["TOKEN"].encode()).hexdigest()
    return {"message": "Hello from the back end", "token": token, "given": os.environ.get("GREETING")}
""",
    "backend/butler.yml": """
healthcheck: {path: /hello, timeout: 90s}
release: python -c "import os; print('migrated with', len(os.environ['TOKEN']))"
env:
  TOKEN: {generator: secret, description: Signs sessions}
resources: {memory: 256m}
""",
}
WORKER = {
    "requirements.txt": "flask\ngunicorn\n",
    "app.py": """
from flask import Flask
app = Flask(__name__)
@app.get("/up")
def up():
    return "{body}"
""",
    "worker.py": "import os, time\nprint('working on', os.environ['QUEUE'], flush=True)\ntime.sleep(3600)\n",
    "butler.yml": """
run:
  processes:
    worker: python worker.py
release: "{release}"
healthcheck: {{path: /up}}
env:
  QUEUE: {{required: true, description: Name of the queue}}
""",
}


def worker_files(*, body: str = "one", release: str = "python -c 'print(7 * 6)'", **others: str) -> dict[str, str]:
    files = {**WORKER, "app.py": WORKER["app.py"].replace("{body}", body)}
    return {**files, "butler.yml": WORKER["butler.yml"].format(release=release), **others}


def services_of(client: Client, app: str) -> dict[str, dict[str, Any]]:
    found = [inspect(number) for number in objects_of(client.server, app)["containers"]]
    return {entry["Config"]["Labels"]["com.docker.compose.service"]: entry for entry in found}


def test_a_front_end_beside_a_back_end_is_one_deployment_with_two_addresses(
    alice: Client, repository: Repository
) -> None:
    repository.commit({**FRONT, **BACK})
    first = alice.deploy(repository, env="GREETING=hi there\n")
    app, site = first["container_name"], first["deployed_url"]
    log = alice.log(app)
    back = re.search(r"backend is at (\S+), and at (\S+) for the other parts", log)
    assert back, log
    script = re.search(r'src="(/assets/[^"]+)"', body_of(site))
    assert script and back[1] in body_of(site + script[1]), "the front end was built with the back end's address"
    answer = httpx2.get(f"{back[1]}/hello", headers={"Origin": site}, timeout=30, trust_env=False)
    assert answer.json()["given"] == "hi there"
    assert answer.headers["access-control-allow-origin"] == site
    assert "migrated with 43" in log

    containers = services_of(alice, app)
    assert set(containers) == {"frontend", "backend"}
    assert containers["backend"]["HostConfig"]["Memory"] == 256 * 1024**2
    assert not [entry for entry in containers["frontend"]["Config"]["Env"] if entry.startswith("GREETING=")]
    for state in containers.values():
        assert len(state["NetworkSettings"]["Networks"]) == 3, "the app's own network, its user's, and the shared one"
    inside = f"import urllib.request as r; print(r.urlopen('{back[2]}/hello').read().decode())"
    assert "Hello from the back end" in docker("exec", containers["frontend"]["Id"], "python3", "-c", inside)

    repository.commit({"backend/notes.txt": "a change"})
    again = alice.deploy(repository, name=app)
    assert again["deployed_url"] == site
    other = httpx2.get(f"{back[1]}/hello", timeout=30, trust_env=False).json()
    assert other["token"] == answer.json()["token"], "a generated secret is kept"
    broken = {**BACK, "backend/butler.yml": BACK["backend/butler.yml"].replace("path: /hello", "path: /nothing")}
    repository.commit({"backend/butler.yml": broken["backend/butler.yml"].replace("90s", "6s")})
    failed = alice.try_deploy(repository, name=app)
    assert failed.status_code == 422 and "its path answers 404" in failed.text, failed.text
    assert "Guest book" in body_of(site)
    assert httpx2.get(f"{back[1]}/hello", timeout=30, trust_env=False).status_code == 200

    alice.destroy(app)
    assert objects_of(alice.server, app) == {"containers": [], "images": [], "networks": [], "volumes": []}


def test_a_worker_runs_beside_its_site_and_what_the_app_needs_is_asked_for_first(
    alice: Client, repository: Repository
) -> None:
    repository.commit(worker_files())
    refused = alice.try_deploy(repository)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (422, "missing-variable")
    assert error["lines"] == ["QUEUE (backend_env): Name of the queue"]
    app = refused.json()["container_name"]
    assert "Building the image" not in alice.log(app)

    first = alice.deploy(repository, name=app, env="QUEUE=mail\n")
    assert body_of(first["deployed_url"] + "/up") == "one"
    log = alice.log(app)
    assert "Running the release command: python -c 'print(7 * 6)'" in log and "\n42\n" in log
    assert "The process worker runs." in log
    assert set(services_of(alice, app)) == {"web", "worker"}
    assert "worker | working on" in alice.log(app, source="app")

    repository.commit(worker_files(body="two", release="python -c 'raise SystemExit(3)'"))
    failed = alice.try_deploy(repository, name=app).json()["error"]
    assert failed["code"] == "release-command-failed" and "ended with code 3" in failed["message"]
    assert body_of(first["deployed_url"] + "/up") == "one"

    # From several containers to one and back: the address stays, and nothing of the other form does.
    repository.commit(worker_files(body="three", **{"butler.yml": "run: {port: 8123}\nenv: {QUEUE: none}\n"}))
    single = alice.deploy(repository, name=app)
    assert single["deployed_url"] == first["deployed_url"]
    assert body_of(single["deployed_url"] + "/up") == "three"
    assert len(objects_of(alice.server, app)["containers"]) == 1
    assert "8123/tcp" in inspect(app)["NetworkSettings"]["Ports"]
    repository.commit(worker_files(body="four"))
    several = alice.deploy(repository, name=app)
    assert several["deployed_url"] == first["deployed_url"]
    assert body_of(several["deployed_url"] + "/up") == "four"
    assert set(services_of(alice, app)) == {"web", "worker"}

    alice.destroy(app)
    assert objects_of(alice.server, app) == {"containers": [], "images": [], "networks": [], "volumes": []}
