"""Makes a stack of an application's own parts: a front end beside its back end, or a site beside its worker processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from compose_file import Site
from docker_compose.stack import ComposeStack, project_of
from docker_run import app_environment, app_url, engine_facts, shell_words
from domain import Commit, DeployRequest, Part, Plan
from settings import Settings
from workspace import commands

SITE = "web"
DEFAULT_PORT = 8080
FRONT_END_NAMES = ("FRONTEND_URL", "CORS_ORIGIN", "CORS_ORIGINS", "ALLOWED_ORIGINS")
"""Variables in which a back end is told where its front end is, unless the user sets them."""
BACK_END_NAMES = ("API_URL", "BACKEND_URL")
"""Variables in which a front end that is a server itself is told where its back end is on their network."""


async def stack_of(
    plan: Plan, commit: Commit, request: DeployRequest, settings: Settings, *, host_ports: Mapping[str, int]
) -> ComposeStack:
    """The stack of a plan with parts or processes; `host_ports` holds the address of each part that has one."""
    parts = parts_of(plan)
    site, *others = parts
    models = {
        part.name: _service(part, _environment(part, parts, commit, request, settings, host_ports)) for part in parts
    }
    processes = {
        name: _process(command, models[site.name]["environment"]) for name, command in site.plan.processes.items()
    }
    return ComposeStack(
        project=project_of(request.container_name, settings),
        request=request,
        file_name="the plan",
        site=Site(site.name, _port(site), "the plan", ()),
        host_port=host_ports.get(site.name),
        model={"services": {**models, **processes}},
        raw_restarts=dict.fromkeys((*models, *processes), "always"),
        cpus=(await engine_facts()).cpus,
        parts={part.name: part.plan for part in parts},
        copies=dict.fromkeys(processes, site.name),
        builds_for={part.name: _build_request(part, parts, request, settings, host_ports) for part in parts},
        addresses={part.name: (_port(part), host_ports[part.name]) for part in others if part.name in host_ports},
    )


def parts_of(plan: Plan) -> tuple[Part, ...]:
    """The containers that are built, the site first; the site alone where only processes run beside it."""
    return plan.parts or (Part(SITE, plan),)


def _port(part: Part) -> int:
    return part.plan.port or DEFAULT_PORT


def _service(part: Part, environment: Mapping[str, str]) -> dict[str, Any]:
    plan = part.plan
    wanted = {"mem_limit": plan.memory, "cpus": plan.cpus}
    return {
        "build": {"context": plan.context},
        "environment": environment,
        "ports": [{"target": _port(part), "protocol": "tcp"}],
        **({} if plan.command is None else {"command": shell_words(plan.command)}),
        **{key: value for key, value in wanted.items() if value is not None},
    }


def _process(command: str, environment: Mapping[str, str]) -> dict[str, Any]:
    own = {name: value for name, value in environment.items() if name != "BUTLER_URL"}
    return {"environment": own, "command": shell_words(commands.executable(command)), "init": True}


def _environment(
    part: Part,
    parts: tuple[Part, ...],
    commit: Commit,
    request: DeployRequest,
    settings: Settings,
    host_ports: Mapping[str, int],
) -> dict[str, str]:
    """What a part's container is given: the back end the user's variables, a front end none of them."""
    site = parts[0]
    is_front = len(parts) > 1 and part is site
    own_url = app_url(host_ports[part.name], settings) if part.name in host_ports else None
    hints: dict[str, str] = {}
    if is_front:
        inside = f"http://{parts[1].name}:{_port(parts[1])}"
        hints = dict.fromkeys(BACK_END_NAMES, inside)
        request = replace(request, backend_env={})
    elif len(parts) > 1 and site.name in host_ports:
        hints = dict.fromkeys(FRONT_END_NAMES, app_url(host_ports[site.name], settings))
    return app_environment(
        request,
        run_env={**hints, **part.plan.run_env},
        container_port=_port(part),
        commit=commit.sha,
        url=own_url,
    )


def _build_request(
    part: Part, parts: tuple[Part, ...], request: DeployRequest, settings: Settings, host_ports: Mapping[str, int]
) -> DeployRequest:
    """The variables of a part's build: a front end is told the back end's address, unless the user sets it."""
    if len(parts) == 1:
        return request
    if part is not parts[0]:
        return replace(request, frontend_env={})
    address = app_url(host_ports[parts[1].name], settings)
    return replace(request, frontend_env={**dict.fromkeys(part.api_variables, address), **request.frontend_env})
