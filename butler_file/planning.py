"""The whole plan of a repository: what is detected, with butler.yml and then the request's overrides laid over it."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dockerfile_templates
import dockerfile_text
import two_parts
from butler_file import merging
from butler_file.building import telling
from butler_file.documents import REQUEST, Document, find
from butler_file.reading import Wishes, laid_over
from butler_file.values import told
from dockerfile_templates import STRATEGIES, detect
from domain import Evidence, Kind, Plan
from robust_error_handler import DeploymentFailed
from workspace import Workspace, open_folder


def plan_for(
    workspace: Workspace, variables: Mapping[str, str] | None = None, overrides: Mapping[str, Any] | None = None
) -> Plan:
    """How a repository is deployed: the request beats butler.yml, which beats what is detected.

    `overrides` are the request's words with butler.yml's keys, as `read_overrides` gives them. `variables` are its own
    for the running app: their PORT is its word on the port, unless `run.port` of the overrides is.
    Raises DeploymentFailed as `dockerfile_templates.detect` does, and for words that cannot be followed.
    """
    request = Document(overrides) if overrides else None
    plan = _planned(workspace, request)
    given = (variables or {}).get("PORT", "")
    if given.isdigit() and 0 < int(given) < 65536 and plan.kind is not Kind.COMPOSE and not plan.parts:
        plan = _with_port_variable(plan, int(given), request)
    if workspace.subdirectory:
        reason = Evidence("subdirectory", workspace.subdirectory, REQUEST)
        plan = replace(plan, evidence=(reason, *plan.evidence))
    return plan


def plan_as_dict(plan: Plan) -> dict[str, Any]:
    """The plan's JSON: what was detected, what butler.yml adds, and the parts."""
    parts = [{"name": part.name, "folder": part.plan.context, **plan_as_dict(part.plan)} for part in plan.parts]
    detected = dockerfile_templates.plan_as_dict(plan)
    error = detected.pop("error")
    return {**detected, **merging.as_dict(plan), "parts": parts, "error": error}


def _with_port_variable(plan: Plan, port: int, request: Document | None) -> Plan:
    """PORT among the request's variables counts like `run.port`, which beats it where the request says both."""
    if request is None or not request.says("run", "port"):
        return merging.with_port(plan, port, f"PORT in backend_env of {REQUEST}")
    if port == plan.port:
        return plan
    return told(plan, "port", plan.port, f"{request.where('run', 'port')}, which beats PORT in its backend_env")


def _planned(workspace: Workspace, request: Document | None = None) -> Plan:
    file = find(workspace) or _from_the_top(workspace)
    wishes = laid_over(file, request)
    if wishes is None:
        return two_parts.plan(workspace, _planned) or detect(workspace)
    root = wishes.file.build.root
    inside = posixpath.normpath(root) if root else "."
    if inside != "." and workspace.subdirectory != inside:
        return _of_folder(workspace, wishes, inside, None if file else request)
    return _laid_over(workspace, wishes)


def _from_the_top(workspace: Workspace) -> Document | None:
    """The butler.yml at the top speaks for a folder that was asked for where its `build.root` is that folder."""
    if not workspace.subdirectory:
        return None
    file = find(open_folder(workspace.checkout))
    root = file.value("build", "root") if file else None
    return file if isinstance(root, str) and posixpath.normpath(root) == workspace.subdirectory else None


def _of_folder(workspace: Workspace, wishes: Wishes, root: str, request: Document | None) -> Plan:
    """The plan of the folder that is wished for, told from the folder of butler.yml.

    `request` is set where there is no butler.yml beside it: then the one in that folder speaks, if there is one.
    """
    folder = posixpath.normpath(posixpath.join(workspace.subdirectory, root))
    if folder.startswith(("..", "/")):
        raise wishes.refused(f"{root} is outside the repository", "Name a folder of it.", "build", "root")
    try:
        inner = open_folder(workspace.checkout, folder)
    except DeploymentFailed as error:
        raise wishes.refused(error.message, error.hint, "build", "root") from error
    wishes = (laid_over(find(inner), request) if request else None) or wishes
    plan = two_parts.moved(_laid_over(inner, wishes), root)
    return told(plan, "root", root, wishes.where("build", "root"))


def _laid_over(workspace: Workspace, wishes: Wishes) -> Plan:
    workspace = telling(workspace, wishes)
    plan = _chosen(workspace, wishes)
    if plan.parts:
        return merging.with_variables_only(plan, wishes)
    return merging.merged(plan, wishes, workspace)


def _chosen(workspace: Workspace, wishes: Wishes) -> Plan:
    """What butler.yml chooses to build with, or else what is detected."""
    build = wishes.file.build
    if build.dockerfile:
        return _own_dockerfile(workspace, wishes, build.dockerfile)
    if build.builder:
        plan = _by(workspace, wishes, build.builder)
    else:
        plan = two_parts.plan(workspace, _planned) or detect(workspace)
    if build.context and plan.dockerfile_path is None:
        hint = "Use `build.root` for the application's folder, or name a `build.dockerfile`."
        raise wishes.refused("a context goes with a Dockerfile of the repository", hint, "build", "context")
    return _in_context(plan, workspace, wishes)


def _by(workspace: Workspace, wishes: Wishes, builder: str) -> Plan:
    strategy = next((strategy for strategy in STRATEGIES if strategy.NAME == builder), None)
    if strategy is None:
        known = ", ".join(strategy.NAME for strategy in STRATEGIES)
        raise wishes.refused(f"there is no builder {builder!r}", f"Choose one of {known}.", "build", "builder")
    if not strategy.matches(workspace):
        hint = "Drop the key to have the kind detected, or add what the builder looks for."
        raise wishes.refused(f"the repository is not of the kind {builder}", hint, "build", "builder")
    plan: Plan = strategy.plan(workspace)
    return told(plan, "strategy", builder, wishes.where("build", "builder"))


def _own_dockerfile(workspace: Workspace, wishes: Wishes, path: str) -> Plan:
    if wishes.file.build.builder not in (None, "dockerfile"):
        hint = "Keep one of the two."
        raise wishes.refused("a Dockerfile needs no builder", hint, "build", "builder")
    path = posixpath.normpath(path)
    text = workspace.read_text(path)
    if text is None:
        there = ", ".join(dockerfile_templates.dockerfile.variants(workspace)) or "none"
        message, hint = f"there is no file {path}", f"Correct the path; Dockerfiles of the repository: {there}."
        raise wishes.refused(message, hint, "build", "dockerfile")
    source = wishes.where("build", "dockerfile")
    ports = dockerfile_text.exposed_ports(text, {})
    plan = Plan("dockerfile", Kind.DOCKERFILE, dockerfile_path=path, port=ports[0] if ports else None)
    if ports:
        plan = told(plan, "port", ports[0], f"EXPOSE in {path}")
    plan = told(plan, "strategy", "dockerfile", source)
    return _in_context(told(plan, "dockerfile", path, source), workspace, wishes)


def _in_context(plan: Plan, workspace: Workspace, wishes: Wishes) -> Plan:
    context = wishes.file.build.context
    if context is None:
        return plan
    if not workspace.is_dir(context):
        raise wishes.refused(f"there is no folder {context}", "Correct the path.", "build", "context")
    source = wishes.where("build", "context")
    return told(plan, "context", context, source, context=posixpath.normpath(context))


__all__ = ["plan_as_dict", "plan_for"]
