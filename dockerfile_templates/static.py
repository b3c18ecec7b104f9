"""Files that are a web site as they are."""

from __future__ import annotations

import re

from dockerfile_templates import templates
from domain import Kind, Plan, PlanWarning
from workspace import Workspace, node_entry, node_facts
from workspace.facts import Fact

NAME = "static"
PORT = 8080

_FOLDERS = ("", "public/", "dist/", "build/", "site/", "htdocs/", "www/", "html/", "docs/", "src/")
_MANIFESTS = (
    "requirements.txt",
    "pyproject.toml",
    "Pipfile",
    "manage.py",
    "composer.json",
    "index.php",
    "Gemfile",
    "go.mod",
    "Cargo.toml",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "mix.exs",
    "deno.json",
    "deno.jsonc",
)
_SOURCE_PAGE = re.compile(
    r"<script\b[^>]*\bsrc\s*=\s*['\"]/?(?:\./)?src/[^'\"]+\.(?:tsx?|jsx|vue|svelte)['\"]", re.IGNORECASE
)


def matches(workspace: Workspace) -> bool:
    """Whether there is a page and no manifest of an application."""
    return _page(workspace) is not None and not _is_an_application(workspace)


def plan(workspace: Workspace) -> Plan:
    """Serve the folder that the page lies in."""
    page = _page(workspace)
    assert page is not None, "plan() follows matches()"  # noqa: S101
    folder = page.rpartition("/")[0] or "."
    is_spa = bool(re.search(r"^index_fallback:\s*true\b|^pushstate:\s*enabled\b", _staticfile(workspace), re.MULTILINE))
    facts = {
        "strategy": Fact(NAME, page),
        "start": Fact(f"static server on {folder}/", page),
        "port": Fact(str(PORT), "our static server"),
    }
    return Plan(
        strategy=NAME,
        kind=Kind.STATIC,
        language="html",
        start=facts["start"].value,
        port=PORT,
        dockerfile=templates.dockerfile(NAME),
        build_args={"SITE": folder, "BUTLER_SPA": "1" if is_spa else "", "BUTLER_PORT": str(PORT)},
        evidence=tuple(fact.evidence(field) for field, fact in facts.items()),
        warnings=_warnings(workspace),
    )


def _staticfile(workspace: Workspace) -> str:
    return workspace.read_text("Staticfile") or ""


def _page(workspace: Workspace) -> str | None:
    """The page that makes a site: where Staticfile says, else in a usual folder, else the only one at the root."""
    root = re.search(r"^root:\s*['\"]?([\w./-]+)", _staticfile(workspace), re.MULTILINE)
    named = (f"{root[1].removeprefix('./').strip('/')}/",) if root else ()
    for folder in (*named, *_FOLDERS):
        text = workspace.read_text(f"{folder}index.html")
        if text is not None and not _SOURCE_PAGE.search(text):
            return f"{folder}index.html"
    if named and workspace.glob(f"{named[0]}*"):
        return f"{named[0]}index.html"
    pages = [
        path for path in workspace.glob("*.{html,htm}") if not _SOURCE_PAGE.search(workspace.read_text(path) or "")
    ]
    return pages[0] if len(pages) == 1 else None


def _is_an_application(workspace: Workspace) -> bool:
    if any(workspace.exists(name) for name in _MANIFESTS) or workspace.glob("*.{csproj,fsproj,sln}"):
        return True
    scripts = node_facts.scripts(workspace)
    start = scripts.get("start", "")
    served = not start or node_entry.serves_files_only(start) or node_entry.is_dev_server(start)
    return node_facts.has_package_json(workspace) and ("build" in scripts or not served)


def _warnings(workspace: Workspace) -> tuple[PlanWarning, ...]:
    if not node_facts.has_package_json(workspace):
        return ()
    message = "package.json neither builds nor starts anything, so the files are served as they are."
    return (PlanWarning("package-json-unused", message, "Add a build or start script if there is more to it."),)
