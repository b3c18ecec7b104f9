"""Deploys real public repositories through a running Butler, twice each, and tells what came of each as Markdown.

    python benchmarks/deploy_repositories.py --server http://127.0.0.1:8000 --only flask

`--mirror FOLDER` clones from bare repositories in `FOLDER/owner/name.git` in place of GitHub; the server must then run
with BUTLER_ALLOW_LOCAL_REPOSITORIES=true. `--out FILE` appends every result as a line of JSON, errors whole.
"""

from __future__ import annotations

import argparse
import json
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx2

DEPLOY_SECONDS = 1_800
PAGE_CHARACTERS = 70


@dataclass(frozen=True)
class Case:
    """A public repository; `backend_env` is what its own README tells a person to set."""

    repository: str
    subdirectory: str = ""
    backend_env: str = ""

    @property
    def title(self) -> str:
        """`owner/name` or `owner/name/folder`."""
        return f"{self.repository}/{self.subdirectory}".rstrip("/")


CASES = (
    Case("docker/welcome-to-docker"),
    Case("docker/getting-started-app"),
    Case("docker/getting-started-app", backend_env="SQLITE_DB_LOCATION=/tmp/todo.db\n"),
    Case("docker/getting-started-todo-app"),
    Case("dockersamples/node-bulletin-board", "bulletin-board-app"),
    Case("dockersamples/example-voting-app"),
    Case("docker/awesome-compose", "flask"),
    Case("docker/awesome-compose", "flask-redis"),
    Case("docker/awesome-compose", "fastapi"),
    Case("docker/awesome-compose", "django"),
    Case("docker/awesome-compose", "nginx-wsgi-flask"),
    Case("docker/awesome-compose", "nginx-nodejs-redis"),
    Case("docker/awesome-compose", "react-nginx"),
    Case("docker/awesome-compose", "react-express-mysql"),
    Case("docker/awesome-compose", "vuejs"),
    Case("docker/awesome-compose", "angular"),
    Case("render-examples/express-hello-world"),
    Case("render-examples/fastapi"),
    Case("render-examples/flask-hello-world"),
    Case("heroku/python-getting-started"),
    Case("mdn/django-locallibrary-tutorial"),
    Case("mdn/todo-react"),
    Case("streamlit/streamlit-example"),
    Case("digitalocean/sample-nextjs"),
    Case("digitalocean/sample-html"),
    Case("cloudacademy/static-website-example"),
    Case("Dokploy/examples", "nextjs"),
    Case("Dokploy/examples", "vite"),
    Case("Dokploy/examples", "vuejs"),
    Case("Dokploy/examples", "nestjs"),
    Case("Dokploy/examples", "astro"),
    Case("Dokploy/examples", "Flask-Example"),
    Case("Dokploy/examples", "Django-Example"),
    Case("Dokploy/examples", "html"),
    Case("johnpapa/vue-getting-started", "xx-final"),
    # what should fail, and say why
    Case("docker/awesome-compose"),
    Case("docker/awesome-compose", "nginx-flask-mysql"),
    Case("docker/awesome-compose", "nginx-golang"),
    Case("docker/awesome-compose", "portainer"),
    Case("docker/awesome-compose", "postgresql-pgadmin"),
    Case("digitalocean/sample-django"),
    Case("digitalocean/sample-dockerfile-static"),
    Case("miguelgrinberg/microblog"),
    Case("gothinkster/node-express-realworld-example-app"),
    Case("johnpapa/vue-getting-started"),
)


@dataclass
class Result:
    """What came of a repository."""

    title: str
    outcome: str = ""
    commit: str = ""
    plan: dict[str, Any] = field(default_factory=dict)
    status: int | None = None
    page: str = ""
    cold: dict[str, float] = field(default_factory=dict)
    again: dict[str, float] = field(default_factory=dict)
    error: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)


def main() -> None:
    """Deploy what was asked for, one after the other."""
    options = _options()
    with httpx2.Client(base_url=options.server, timeout=DEPLOY_SECONDS, trust_env=False) as client:
        _register(client)
        for case in _chosen(options):
            result = run(client, case, options.mirror, keep=options.keep)
            if options.out:
                with options.out.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(asdict(result)) + "\n")
            print(row(result), flush=True)


def run(client: httpx2.Client, case: Case, mirror: Path | None, *, keep: bool) -> Result:
    """Deploy a repository twice, look at its page, and destroy it again."""
    result = Result(case.title)
    wish = {"git_url": f"file://{mirror}/{case.repository}.git" if mirror else f"https://github.com/{case.repository}"}
    if case.subdirectory:
        wish["subdirectory"] = case.subdirectory
    planned = client.post("/api/plan", data=wish)
    result.plan = planned.json()
    name = None
    try:
        answer, result.cold = _deploy(client, wish, case)
        body = answer.json()
        name = body.get("container_name")
        _look(client, result, body, name)
        if answer.status_code == 200:
            _answer, result.again = _deploy(client, {**wish, "name": str(name)}, case)
    finally:
        if name and not keep:
            client.delete(f"/deployments/{name}")
    return result


def row(result: Result) -> str:
    """A result as a row of the Markdown table."""
    plan = result.plan
    what = " · ".join(
        str(plan[key]) for key in ("framework", "language", "version", "package_manager") if plan.get(key)
    )
    found = f"{plan.get('kind', '-')}{f' ({what})' if what else ''}, port {plan.get('port')}"
    said = f"{result.status}: {result.page}" if result.outcome == "success" else result.error.get("message", "")
    cells = (result.title, result.commit[:10], found, result.outcome, said, _times(result.cold), _times(result.again))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _deploy(client: httpx2.Client, wish: dict[str, str], case: Case) -> tuple[httpx2.Response, dict[str, float]]:
    files = {"backend_env": ("backend.env", case.backend_env.encode())} if case.backend_env else None
    began = time.perf_counter()
    answer = client.post("/deploy", data=wish, files=files)
    total = time.perf_counter() - began
    name = answer.json().get("container_name")
    view = client.get(f"/deployments/{name}").json() if name else {}
    return answer, {**{step["stage"]: step["seconds"] for step in view.get("steps", ())}, "total": round(total, 1)}


def _look(client: httpx2.Client, result: Result, body: dict[str, Any], name: str | None) -> None:
    """Read the page where there is one, and what the log warned of."""
    result.error = body.get("error", {})
    result.outcome = "success" if "error" not in body else str(result.error.get("code"))
    if name is None:
        return
    result.commit = str(client.get(f"/deployments/{name}").json().get("commit_sha") or "")
    lines = client.get(f"/deployments/{name}/logs", params={"limit": 5000}).json()["lines"]
    if result.error:
        result.log = [line["text"] for line in lines]
    result.warnings = [line["text"] for line in lines if line["kind"] == "warning"]
    if url := body.get("deployed_url"):
        page = httpx2.get(url, timeout=60, trust_env=False, follow_redirects=True)
        result.status, result.page = page.status_code, _first_words(page.text)


def _first_words(page: str) -> str:
    """A page's title, or its first text."""
    title = re.search(r"<title[^>]*>(.*?)</title>", page, re.DOTALL | re.IGNORECASE)
    text = title[1] if title and title[1].strip() else re.sub(r"<[^>]*>", " ", page)
    return " ".join(text.split())[:PAGE_CHARACTERS]


def _times(steps: dict[str, float]) -> str:
    if not steps:
        return ""
    named = ", ".join(f"{stage} {steps[stage]:.1f}" for stage in ("build", "verify") if steps.get(stage) is not None)
    return f"{steps['total']:.1f} s ({named})" if named else f"{steps['total']:.1f} s"


def _register(client: httpx2.Client) -> None:
    name = f"repos-{uuid.uuid4().hex[:8]}"
    account = {"username": name, "email": f"{name}@example.org", "password": uuid.uuid4().hex}
    answer = client.post("/api/auth/register", json=account)
    answer.raise_for_status()
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def _chosen(options: argparse.Namespace) -> Iterator[Case]:
    for case in CASES:
        if not options.only or any(re.search(only, case.title) for only in options.only):
            yield case


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="http://127.0.0.1:8000", help="address of the Butler")
    parser.add_argument("--mirror", type=Path, help="folder of bare clones to use in place of GitHub")
    parser.add_argument("--only", action="append", default=[], metavar="REGEX", help="only repositories that match")
    parser.add_argument("--keep", action="store_true", help="leave the apps running")
    parser.add_argument("--out", type=Path, help="file to append the whole results to")
    return parser.parse_args()


if __name__ == "__main__":
    main()
