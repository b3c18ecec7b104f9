"""A Node.js server: Express, Fastify, Koa, Nest and whatever else has a start command that is no dev server."""

from __future__ import annotations

import re

from dockerfile_templates import templates
from dockerfile_templates.node_basis import is_application, node_basis, run_args
from domain import Kind, Plan, PlanWarning
from workspace import Workspace, node_entry, node_facts, node_packages
from workspace.facts import Fact
from workspace.node_entry import Listening, Start

NAME = "node"
DEFAULT_PORT = 3000

# package → (framework, its usual start command, its usual port)
_SERVERS: dict[str, tuple[str, str | None, int]] = {
    "@nestjs/core": ("nestjs", "node dist/main", 3000),
    "nuxt": ("nuxt", "node .output/server/index.mjs", 3000),
    "@strapi/strapi": ("strapi", "strapi start", 1337),
    "@astrojs/node": ("astro", "node ./dist/server/entry.mjs", 4321),
    "@sveltejs/adapter-node": ("sveltekit", "node build", 3000),
    "@remix-run/serve": ("remix", "remix-serve build/server/index.js", 3000),
    "@react-router/serve": ("react-router", "react-router-serve build/server/index.js", 3000),
    "fastify": ("fastify", None, 3000),
    "express": ("express", None, 3000),
    "koa": ("koa", None, 3000),
    "hono": ("hono", None, 3000),
    "@hapi/hapi": ("hapi", None, 3000),
    "h3": ("h3", None, 3000),
    "vinxi": ("vinxi", "vinxi start", 3000),
    "@tanstack/react-start": ("tanstack-start", "node .output/server/index.mjs", 3000),
    "@solidjs/start": ("solidstart", "node .output/server/index.mjs", 3000),
    "nitropack": ("nitro", "node .output/server/index.mjs", 3000),
    "polka": ("polka", None, 3000),
    "restify": ("restify", None, 8080),
    "@apollo/server": ("apollo", None, 4000),
    "graphql-yoga": ("graphql-yoga", None, 4000),
    "socket.io": ("socket.io", None, 3000),
    "ws": ("ws", None, 8080),
    "json-server": ("json-server", None, 3000),
}


def matches(workspace: Workspace) -> bool:
    """Whether a start command is to be found."""
    return is_application(workspace) and _start(workspace) is not None


def plan(workspace: Workspace) -> Plan:
    """Install, build where there is a build script, start."""
    start = _start(workspace)
    assert start is not None, "plan() follows matches()"  # noqa: S101
    basis = node_basis(workspace)
    package = node_facts.first_dependency(workspace, *_SERVERS)
    framework = _SERVERS[package][0] if package else None
    heard = node_entry.listening(workspace, start.command)
    port = _port(heard, package, start.command)
    facts = {"strategy": Fact(NAME, "package.json"), "start": start.fact} | ({"port": port} if port else {})
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
            "BUTLER_PORT": port.value if port else str(DEFAULT_PORT),
        },
        run_env={"FASTIFY_ADDRESS": "0.0.0.0"} if package == "fastify" else {},  # noqa: S104
        evidence=(*(fact.evidence(field) for field, fact in facts.items()), *basis.evidence),
        warnings=(*basis.warnings, *_warnings(workspace, start, heard, package)),
    )


def _start(workspace: Workspace) -> Start | None:
    package = node_facts.first_dependency(workspace, *_SERVERS)
    usual = _SERVERS[package][1] if package else None
    return node_entry.find_start(workspace, node_packages.package_manager(workspace).run, usual)


def _port(heard: Listening, package: str | None, start: str) -> Fact | None:
    """A framework with a server of its own has its port; a library's is in the sources, if they listen at all."""
    _, own_server, usual = _SERVERS[package] if package else (None, None, DEFAULT_PORT)
    if own_server and usual != DEFAULT_PORT:
        return Fact(str(usual), f"usual for {package}")
    if heard.port:
        return heard.port
    if package and (own_server or heard.listens is None or f"{package} start" in start):
        return Fact(str(usual), f"usual for {package}")
    return Fact(str(usual), "default: PORT is set to it") if heard.listens else None


def _warnings(workspace: Workspace, start: Start, heard: Listening, package: str | None) -> tuple[PlanWarning, ...]:
    warnings = []
    if start.ignored:
        warnings.append(
            PlanWarning(
                "start-is-a-dev-server",
                f"{start.ignored} is a development server; `{start.command}` is started instead.",
                "Let scripts.start in package.json start the built application.",
            )
        )
    silent = package == "fastify" and heard.listens and not _names_host(workspace)
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
