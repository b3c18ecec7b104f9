"""Each strategy, from a Git repository to HTTP 200 and back to nothing, on a real engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
import yaml

from tests.engine.harness import EXAMPLES, Client, Repository, body_of, objects_of

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

# What is edited to see that a change of the source alone installs nothing again.
SOURCES = {
    "bun": "index.ts",
    "deno": "main.ts",
    "generator": "docs/index.md",
    "go": "main.go",
    "monorepo": "apps/web/server.js",
    "php": "public/index.php",
    "rust": "src/main.rs",
    "compose": "web/server.py",
    "django": "hello/views.py",
    "dockerfile": "server.py",
    "fastapi": "app/main.py",
    "flask": "microblog.py",
    "nextjs": "app/page.js",
    "node": "server.js",
    "python": "main.py",
    "spa": "src/main.js",
    "static": "index.html",
}


def _buildable() -> list[str]:
    """The examples that can be built without the registries of their languages (see `needs` in expect.yml)."""
    expected = {path.parent.name: yaml.safe_load(path.read_text()) for path in EXAMPLES.glob("*/expect.yml")}
    return sorted(name for name, entry in expected.items() if "needs" not in entry)


@pytest.mark.parametrize("name", _buildable())
def test_a_repository_of_each_kind_becomes_an_address_and_goes_without_a_trace(
    name: str, alice: Client, make_repository: Callable[[str], Repository]
) -> None:
    expected = yaml.safe_load((EXAMPLES / name / "expect.yml").read_text())
    repository = make_repository(name)
    repository.copy_of(EXAMPLES / name)

    first = alice.deploy(repository)
    app = first["container_name"]
    assert first["deployment"]["strategy"] == expected["strategy"]
    assert expected["probe"]["contains"] in body_of(first["deployed_url"] + expected["probe"]["path"])
    assert all(step["state"] == "done" for step in first["deployment"]["steps"])

    again = alice.deploy(repository, name=app)
    assert again["deployed_url"] == first["deployed_url"]
    assert "done in" not in _build_lines(alice, app), "an unchanged repository is not built again"

    source = repository.folder / _source_of(name, repository)
    repository.commit({str(source.relative_to(repository.folder)): _touched(source)}, "Change the source")
    changed = alice.deploy(repository, name=app)
    assert changed["deployed_url"] == first["deployed_url"]
    installs = [line for line in _build_lines(alice, app).splitlines() if "install" in line and "done in" in line]
    assert installs == [], "a change of the source installs nothing again"

    alice.destroy(app)
    assert objects_of(alice.server, app) == {"containers": [], "images": [], "networks": [], "volumes": []}
    assert not list((alice.server.data_dir / "work").iterdir())
    with pytest.raises(httpx2.TransportError):
        httpx2.get(first["deployed_url"], trust_env=False)


def _build_lines(client: Client, app: str) -> str:
    entries = client.get(f"/deployments/{app}/logs", params={"limit": 5000}).json()["lines"]
    return "\n".join(entry["text"] for entry in entries if entry["stage"] == "build" and entry["kind"] == "line")


def _source_of(name: str, repository: Repository) -> str:
    wanted = SOURCES[name]
    if (repository.folder / wanted).exists():
        return wanted
    files = [path for path in repository.folder.rglob("*") if path.suffix in (".py", ".js", ".jsx", ".html", ".ts")]
    return str(min(files).relative_to(repository.folder))


def _touched(source: Path) -> str:
    comments = {".py": "# changed\n", ".html": "<!-- changed -->\n", ".md": "\nchanged\n"}
    return source.read_text() + comments.get(source.suffix, "// changed\n")
