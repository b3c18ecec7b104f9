"""A Node.js server: Express, Fastify, Koa, Nest and whatever else has a start command that is no dev server."""

from __future__ import annotations

import re

from dockerfile_templates import node_servers, templates
from dockerfile_templates.node_basis import is_application, node_basis, run_args
from dockerfile_templates.node_servers import LAUNCHER, Server
from dockerfile_templates.procfile_language import speaks
from domain import Kind, Plan, PlanWarning
from workspace import Workspace, node_entry, node_packages, node_workspaces, procfile
from workspace.facts import Fact
from workspace.node_entry import Listening, Start

NAME = "node"

_ADAPTERS = {
    "qwik": "Run `npm run qwik add express` (or fastify) and commit what it writes.",
    "sveltekit": "Use @sveltejs/adapter-node in svelte.config.js.",
    "remix": "Add @remix-run/serve to the dependencies.",
    "react-router": "Add @react-router/serve to the dependencies.",
}


def matches(workspace: Workspace) -> bool:
    """Whether a start command is to be found; a lone program needs no package.json."""
    if node_workspaces.starts_several(workspace) and not speaks(workspace, "node"):
        return False
    return (is_application(workspace) or _is_bare(workspace)) and _start(workspace) is not None


def plan(workspace: Workspace) -> Plan:
    """Install, build where there is a build script, start."""
    start = _start(workspace)
    assert start is not None, "plan() follows matches()"  # noqa: S101
    basis = node_basis(workspace)
    known = node_servers.of(workspace)
    package, framework = (known[0], known[1].framework) if known else (None, None)
    heard = node_entry.listening(workspace, start.command)
    port = _port(heard, known, start.command)
    facts = {
        "strategy": Fact(NAME, "package.json" if workspace.exists("package.json") else start.source),
        "start": start.fact,
    } | ({"port": port} if port else {})
    if package:
        facts["framework"] = Fact(framework or "", f"{package} in package.json")
    built = basis.build or basis.build_args["INSTALL_FROM"] == "source"
    return Plan(
        strategy=NAME,
        kind=Kind.NODE,
        framework=framework,
        language="node",
        version=basis.version,
        package_manager=basis.manager.name,
        install=basis.manager.install,
        build=basis.build,
        start=start.command,
        port=int(port.value) if port else None,
        expects_http=port is not None,
        dockerfile=templates.dockerfile(NAME),
        build_args={
            **basis.build_args,
            **run_args(workspace, basis, start.command),
            "BUILD": basis.build or "",
            "RUN_FROM": "built" if built else "plain",
            "BUTLER_PORT": port.value if port else str(node_servers.DEFAULT_PORT),
        },
        run_env={"FASTIFY_ADDRESS": "0.0.0.0"} if package == "fastify" else {},  # noqa: S104
        evidence=(*(fact.evidence(field) for field, fact in facts.items()), *basis.evidence),
        warnings=(*basis.warnings, *_warnings(workspace, start, heard, known)),
    )


def _is_bare(workspace: Workspace) -> bool:
    return not workspace.exists("package.json") and (
        speaks(workspace, "node") or node_servers.lone_file(workspace) is not None
    )


def _start(workspace: Workspace) -> Start | None:
    usual = node_servers.usual_start(workspace)
    special = node_servers.start_of_function(workspace) or node_servers.start_of_export(workspace)
    if special and not procfile.processes(workspace).get("web"):
        return special
    return node_entry.find_start(workspace, node_packages.package_manager(workspace).run, usual)


def _port(heard: Listening, known: tuple[str, Server] | None, start: str) -> Fact | None:
    """A framework with a server of its own has its port; a library's is in the sources, if they listen at all."""
    if start.startswith("functions-framework "):
        return Fact("8080", "usual for functions-framework")
    package, server = known or ("", Server("", None))
    if server.start and server.port != node_servers.DEFAULT_PORT:
        return Fact(str(server.port), f"usual for {package}")
    if heard.port:
        return heard.port
    if known and (server.start or heard.listens is None or f"{package} start" in start or LAUNCHER in start):
        return Fact(str(server.port), f"usual for {package}")
    return Fact(str(server.port), "default: PORT is set to it") if heard.listens else None


def _warnings(
    workspace: Workspace, start: Start, heard: Listening, known: tuple[str, Server] | None
) -> tuple[PlanWarning, ...]:
    warnings = []
    if start.ignored:
        warnings.append(
            PlanWarning(
                "start-is-a-dev-server",
                f"{start.ignored} is a development server; `{start.command}` is started instead.",
                "Let scripts.start in package.json start the built application.",
            )
        )
    if known and known[1].is_stopgap and start.command == known[1].start:
        warnings.append(
            PlanWarning(
                "no-server-adapter",
                f"{known[0]} builds for another host or for none; `{start.command}` shows the pages meanwhile.",
                _ADAPTERS.get(known[1].framework, "Add the framework's adapter for Node.js."),
            )
        )
    silent = known is not None and known[0] == "fastify" and heard.listens and not _names_host(workspace)
    if heard.loopback or silent:
        where = heard.loopback or "Fastify without a host"
        warnings.append(
            PlanWarning(
                "binds-loopback",
                f"{where} listens on the loopback address, which nothing outside the container reaches.",
                'Listen on every address: `listen({ port: process.env.PORT, host: "0.0.0.0" })`.',
            )
        )
    return tuple(warnings)


def _names_host(workspace: Workspace) -> bool:
    texts = (workspace.read_text(path, 200_000) or "" for path in node_entry.sources(workspace, ""))
    return any(re.search(r"0\.0\.0\.0|\bhost\s*[:,}]|['\"]::['\"]", text) for text in texts if "listen" in text)
