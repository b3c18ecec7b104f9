"""What is said where nothing can be deployed: what was looked at, what came near, and the likely candidates."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from dockerfile_templates import dockerfile
from dockerfile_templates.survey import survey
from domain import Plan, PlanWarning
from robust_error_handler import Code, DeploymentFailed
from workspace import Workspace, node_facts, open_folder, python_facts

Planned = Callable[[Workspace], Plan | None]

_UNLIKELY = re.compile(r"(^|/)(\.|(templates?|layouts|tests?|__tests__|spec|fixtures|e2e|node_modules|vendor)(/|$))")
_OTHER_HOSTS = ("@astrojs/vercel", "@astrojs/netlify", "@astrojs/cloudflare", "@shopify/hydrogen")
_MAX_CANDIDATES = 12
_MAX_FOLDERS = 60


def nothing_recognised(
    workspace: Workspace, aside: PlanWarning | None, planned: Planned, names: Sequence[str]
) -> DeploymentFailed:
    """The error that says what was looked at, and which folders or files would be recognised."""
    files = workspace.files()
    if not files:
        return DeploymentFailed(
            Code.NOTHING_RECOGNISED,
            "The folder is empty: there is nothing to deploy.",
            "Commit the application, or choose another branch or subdirectory.",
        )
    places = _recognised_folders(workspace, planned)
    prefix = f"{workspace.subdirectory}/".lstrip("/")
    folders = [f"{prefix}{name}/ ({kind})" for name, kind in places]
    inside = tuple(f"{name}/" for name, _ in places)
    variants = [f"{prefix}{path}" for path in dockerfile.variants(workspace) if not path.startswith(inside)]
    reasons = " ".join(_reasons(workspace, aside))
    message = (
        "The application is not at the top: nothing there says how to deploy it, but its folders do."
        if folders
        else "Nothing here says how it should be deployed."
    )
    top = sorted({path.split("/")[0] + ("/" if "/" in path else "") for path in files})
    facts = [f"looked at: {entry.source} ({entry.field} {entry.value})" for entry in survey(workspace)]
    facts += [f"warning: {warning.message}" for warning in _versions_not_to_be_had(workspace)]
    facts += [] if folders else [f"looked for: {', '.join(names)}"]
    lines = [*(f"candidate: {name}" for name in (*folders, *variants)), *facts, f"found: {', '.join(top[:30])}"]
    return DeploymentFailed(
        Code.NOTHING_RECOGNISED, f"{message} {reasons}".strip(), _what_to_add(folders, variants), lines
    )


def _versions_not_to_be_had(workspace: Workspace) -> tuple[PlanWarning, ...]:
    """What the next try would warn of as well."""
    if node_facts.has_package_json(workspace):
        return node_facts.version(workspace)[1]
    return python_facts.version(workspace)[1] if python_facts.has_manifest(workspace) else ()


def _what_to_add(folders: list[str], variants: list[str]) -> str:
    if folders:
        more = " and others" if len(folders) == _MAX_CANDIDATES else ""
        return f"Deploy one of them by giving the subdirectory: {', '.join(folders)}{more}."
    if variants:
        return f"Call the Dockerfile that should be used `Dockerfile` (there is {', '.join(variants)}), and commit it."
    return "Add a Dockerfile, a start script in package.json, a web process in a Procfile, or an index.html."


def _reasons(workspace: Workspace, aside: PlanWarning | None) -> list[str]:
    """What came near: a manifest without a start command, a Compose file without a site."""
    reasons = [aside.message] if aside else []
    if workspace.exists("package.json"):
        readable = workspace.json("package.json") is not None
        reasons.append("package.json names no start command." if readable else "package.json is no valid JSON.")
    for name in ("environment.yml", "environment.yaml", "binder/environment.yml"):
        if workspace.exists(name):
            reasons.append(f"{name} is for Conda, which is not used here; write its packages into requirements.txt.")
            break
    adapter = node_facts.first_dependency(workspace, *_OTHER_HOSTS)
    if adapter:
        reasons.append(f"{adapter} builds for another host only; use the adapter for Node.js.")
    for name in ("requirements.txt", "pyproject.toml", "Pipfile"):
        if workspace.exists(name):
            reasons.append(f"{name} is there, but no program or application object to start.")
            break
    return reasons


def _recognised_folders(workspace: Workspace, planned: Planned) -> list[tuple[str, str]]:
    """Folders up to two levels down that would be recognised by themselves, with what they would be."""
    parents = {
        "/".join(path.split("/")[:depth]) for path in workspace.files() for depth in (1, 2) if path.count("/") >= depth
    }
    ordered = sorted(parents, key=lambda folder: (folder.count("/"), folder))
    found: list[tuple[str, str]] = []
    for folder in [name for name in ordered if not _UNLIKELY.search(name)][:_MAX_FOLDERS]:
        if any(folder.startswith(f"{outer}/") for outer, _ in found):
            continue
        inner = open_folder(workspace.checkout, f"{workspace.subdirectory}/{folder}".lstrip("/"))
        plan = planned(inner)
        if plan:
            found.append((folder, plan.framework or str(plan.kind)))
        if len(found) >= _MAX_CANDIDATES:
            break
    return found
