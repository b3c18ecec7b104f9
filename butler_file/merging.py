"""Lays what `butler.yml` says over a detected plan, value by value; each value's evidence then names its line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import compose_file
from butler_file.building import built_as_wished
from butler_file.keys import PROCESS_NAME, Variable, in_seconds
from butler_file.reading import Wishes
from butler_file.values import has_argument, output_of, overridable, told
from dockerfile_templates.python_basis import python_basis
from domain import Healthcheck, Kind, Plan
from domain import Variable as DeclaredVariable
from workspace import Workspace, commands

PUBLIC = re.compile(r"(?:VITE|NEXT_PUBLIC|REACT_APP|NUXT_PUBLIC|PUBLIC|GATSBY|VUE_APP|EXPO_PUBLIC|NG_APP|STORYBOOK)_")
"""Names of variables that a front end's tools write into the files that browsers get: they belong to the build."""

_FILES_ONLY = (Kind.SPA, Kind.STATIC)
_ITS_OWN_FILE = (
    ("build", "command"),
    ("build", "args"),
    ("build", "dockerfile"),
    ("build", "context"),
    ("build", "version"),
    ("build", "package_manager"),
    ("build", "install"),
    ("build", "output"),
    ("run", "command"),
    ("run", "processes"),
    ("release",),
    ("resources",),
)


def merged(plan: Plan, wishes: Wishes, workspace: Workspace) -> Plan:
    """The plan as the request and butler.yml want it. Raises DeploymentFailed for a word that cannot be followed here."""
    if plan.kind is Kind.COMPOSE:
        _refuse_what_compose_says(plan, wishes)
    plan = _start_command(built_as_wished(plan, wishes, workspace), wishes, workspace)
    plan = _service(plan, wishes, workspace)
    for step in (_port, _processes, _release, _healthcheck, _resources, _variables):
        plan = step(plan, wishes)
    return plan


def with_variables_only(plan: Plan, wishes: Wishes) -> Plan:
    """The plan of several parts with the variables of the butler.yml above them; all else stands in each part's own."""
    for keys in (*_ITS_OWN_FILE, ("run", "port"), ("run", "service"), ("healthcheck",)):
        if wishes.says(*keys):
            folders = " or ".join(part.plan.context for part in plan.parts)
            verb = "Say" if wishes.is_of_request(*keys) else "Move"
            hint = f"{verb} it {'in' if verb == 'Say' else 'to'} the butler.yml in {folders}, or choose one of them by `build.root`."
            raise wishes.refused("the repository has several parts, and this is about one", hint, *keys)
    changed = _variables(plan, wishes)
    return replace(
        changed, declared=tuple({entry.name: entry for entry in (*changed.declared, *plan.declared)}.values())
    )


def _refuse_what_compose_says(plan: Plan, wishes: Wishes) -> None:
    for keys in _ITS_OWN_FILE:
        if wishes.says(*keys):
            why = f"{plan.compose_file} says how its services are built and run"
            raise wishes.refused(why, f"Say it in {plan.compose_file}, or choose another `build.builder`.", *keys)


def _start_command(plan: Plan, wishes: Wishes, workspace: Workspace) -> Plan:
    run = wishes.file.run
    command = run.command
    keys: tuple[str, ...] = ("run", "command")
    if "web" in run.processes:
        if command is not None:
            hint = "Keep one of the two."
            raise wishes.refused("`web` is the start command, which run.command gives too", hint, "run", "processes")
        command, keys = run.processes["web"], ("run", "processes", "web")
    if command is None:
        return plan
    plan = told(plan, "start", command, wishes.where(*keys), start=command, expects_http=True)
    if not has_argument(plan, "BUTLER_START"):
        return replace(plan, command=commands.executable(command))
    args = {**plan.build_args, "BUTLER_START": commands.executable(command)}
    if plan.language == "python":
        extras = python_basis(workspace, command).build_args["EXTRA_PACKAGES"]
        before = plan.build_args.get("EXTRA_PACKAGES", "")
        args["EXTRA_PACKAGES"] = " ".join(dict.fromkeys(f"{before} {extras}".split()))
    return replace(plan, build_args=args)


def _port(plan: Plan, wishes: Wishes) -> Plan:
    port = wishes.file.run.port
    return plan if port is None else with_port(plan, port, wishes.where("run", "port"))


def with_port(plan: Plan, port: int, source: str) -> Plan:
    """The plan with a port that somebody has named."""
    args = dict(plan.build_args)
    if has_argument(plan, "BUTLER_PORT"):
        args["BUTLER_PORT"] = str(port)
    return told(plan, "port", port, source, port=port, build_args=args, is_port_told=True)


def _service(plan: Plan, wishes: Wishes, workspace: Workspace) -> Plan:
    """The service of a Compose file that is the site, and its port."""
    wanted, keys = wishes.file.run.service, ("run", "service")
    if wanted is None:
        return plan
    if plan.kind is not Kind.COMPOSE or plan.compose_file is None:
        raise wishes.refused("only a Compose file has services", "Drop the key, or `build.builder: compose`.", *keys)
    services = compose_file.load(workspace, plan.compose_file).get("services") or {}
    if wanted not in services or (services[wanted] or {}).get("profiles"):
        offered = ", ".join(name for name, body in services.items() if not (body or {}).get("profiles"))
        reason = f"{plan.compose_file} starts no service {wanted!r}"
        raise wishes.refused(reason, f"Choose one of {offered}.", *keys)
    site = compose_file.site_of(services, wanted)
    warnings = tuple(one for one in plan.warnings if one.code != "several-sites")
    plan = told(plan, "main_service", wanted, wishes.where(*keys), main_service=wanted, warnings=warnings)
    if site.port is not None:
        return told(plan, "port", site.port, f"service {wanted} in {plan.compose_file}", port=site.port)
    others = tuple(entry for entry in plan.evidence if entry.field != "port")
    return replace(plan, port=None, evidence=others)


def _processes(plan: Plan, wishes: Wishes) -> Plan:
    others = {name: command for name, command in wishes.file.run.processes.items() if name != "web"}
    if not others:
        return plan
    assert all(re.match(PROCESS_NAME, name) for name in others)  # noqa: S101 - the schema has seen to it
    shown = ", ".join(others)
    services = ("web", *others)
    source = wishes.where("run", "processes")
    return told(plan, "processes", shown, source, processes=others, services=services, main_service="web")


def _release(plan: Plan, wishes: Wishes) -> Plan:
    command = wishes.file.release
    return plan if command is None else told(plan, "release", command, wishes.where("release"), release=command)


def _healthcheck(plan: Plan, wishes: Wishes) -> Plan:
    check = wishes.file.healthcheck
    if check is None:
        return plan
    timeout = None if check.timeout is None else in_seconds(check.timeout)
    interval = None if check.interval is None else in_seconds(check.interval)
    shown = f"{check.path}{'' if timeout is None else f' within {timeout:g} s'}"
    wanted = Healthcheck(check.path, timeout, interval)
    return told(plan, "healthcheck", shown, wishes.where("healthcheck"), healthcheck=wanted)


def _resources(plan: Plan, wishes: Wishes) -> Plan:
    wanted = wishes.file.resources
    if wanted.memory is not None:
        plan = told(plan, "memory", wanted.memory, wishes.where("resources", "memory"), memory=wanted.memory)
    if wanted.cpus is not None:
        plan = told(plan, "cpus", f"{wanted.cpus:g}", wishes.where("resources", "cpus"), cpus=wanted.cpus)
    return plan


def _variables(plan: Plan, wishes: Wishes) -> Plan:
    declared = tuple(_variable(plan, name, entry) for name, entry in wishes.file.env.items())
    return told(plan, "env", ", ".join(wishes.file.env), wishes.where("env"), declared=declared) if declared else plan


def _variable(plan: Plan, name: str, entry: Variable | str) -> DeclaredVariable:
    """A variable and where it is needed: files that browsers get are filled in while they are built."""
    at_build = plan.kind in _FILES_ONLY or PUBLIC.match(name) is not None
    if isinstance(entry, str):
        return DeclaredVariable(name, value=entry, at_build=at_build)
    return DeclaredVariable(name, entry.required, entry.description, entry.generator, entry.value, at_build)


def as_dict(plan: Plan) -> Mapping[str, Any]:
    """What butler.yml and the request add to a plan's JSON, and which of their keys the plan can take."""
    check = plan.healthcheck
    return {
        "output": output_of(plan),
        "overridable": list(overridable(plan)),
        "release": plan.release,
        "processes": dict(plan.processes),
        "healthcheck": None if check is None else {"path": check.path, "timeout": check.timeout_seconds},
        "resources": {"memory": plan.memory, "cpus": plan.cpus},
        "declared": [
            {
                "name": entry.name,
                "required": entry.required,
                "description": entry.description,
                "generator": entry.generator,
                "scope": "build" if entry.at_build else "run",
            }
            for entry in plan.declared
        ],
    }
