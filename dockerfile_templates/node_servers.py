"""Which Node.js frameworks have a server of their own: how they are started, and where they listen."""

from __future__ import annotations

import re
from dataclasses import dataclass

from workspace import Workspace, node_entry, node_facts, procfile
from workspace.facts import Fact
from workspace.node_entry import Start

DEFAULT_PORT = 3000
LAUNCHER = "/butler/serve-default.mjs"

_PREVIEW = "vite preview --host 0.0.0.0 --port $PORT"
_NITRO = "node .output/server/index.mjs"
# Since this release TanStack Start writes a handler of its own, which srvx serves; with Nitro beside it, Nitro's server.
_SRVX = "srvx --prod --host 0.0.0.0 --port $PORT -s ../client dist/server/server.js"
_WITHOUT_NITRO = (1, 132)


@dataclass(frozen=True)
class Server:
    """A framework: its name, its usual start (None for a library that programs call), its usual port."""

    framework: str
    start: str | None
    port: int = DEFAULT_PORT
    is_stopgap: bool = False


SERVERS: dict[str, Server] = {
    "@nestjs/core": Server("nestjs", "node dist/main"),
    "nuxt": Server("nuxt", _NITRO),
    "@strapi/strapi": Server("strapi", "strapi start", 1337),
    "@astrojs/node": Server("astro", "node ./dist/server/entry.mjs", 4321),
    "@sveltejs/adapter-node": Server("sveltekit", "node build"),
    "@sveltejs/adapter-auto": Server("sveltekit", "node build"),
    "@remix-run/serve": Server("remix", "remix-serve build/server/index.js"),
    "@react-router/serve": Server("react-router", "react-router-serve build/server/index.js"),
    "xmcp": Server("xmcp", "node dist/http.js", 3001),
    "mastra": Server("mastra", "mastra start", 4111),
    "@keystone-6/core": Server("keystone", "keystone start"),
    "@medusajs/medusa": Server("medusa", "medusa start", 9000),
    "@adonisjs/core": Server("adonis", "node build/bin/server.js", 3333),
    "directus": Server("directus", "directus start", 8055),
    "ghost": Server("ghost", "node index.js", 2368),
    "sails": Server("sails", "node app.js", 1337),
    "@google-cloud/functions-framework": Server("functions-framework", None, 8080),
    "fastify": Server("fastify", None),
    "express": Server("express", None),
    "koa": Server("koa", None),
    "hono": Server("hono", None),
    "@hapi/hapi": Server("hapi", None),
    "vinxi": Server("vinxi", "vinxi start"),
    "@tanstack/react-start": Server("tanstack-start", _NITRO),
    "@tanstack/solid-start": Server("tanstack-start", _NITRO),
    "@solidjs/start": Server("solidstart", _NITRO),
    "nitropack": Server("nitro", _NITRO),
    "nitro": Server("nitro", _NITRO),
    "h3": Server("h3", None),
    "polka": Server("polka", None),
    "restify": Server("restify", None, 8080),
    "@feathersjs/feathers": Server("feathers", None, 3030),
    "@apollo/server": Server("apollo", None, 4000),
    "graphql-yoga": Server("graphql-yoga", None, 4000),
    "socket.io": Server("socket.io", None),
    "ws": Server("ws", None, 8080),
    "json-server": Server("json-server", None),
    # What builds for another host: the pages can be shown, by the tool's own preview or the framework's own server.
    "@builder.io/qwik-city": Server("qwik", _PREVIEW, is_stopgap=True),
    "@sveltejs/adapter-vercel": Server("sveltekit", _PREVIEW, is_stopgap=True),
    "@sveltejs/adapter-netlify": Server("sveltekit", _PREVIEW, is_stopgap=True),
    "@sveltejs/adapter-cloudflare": Server("sveltekit", _PREVIEW, is_stopgap=True),
    "@remix-run/node": Server("remix", "remix-serve build/server/index.js", is_stopgap=True),
    "@react-router/node": Server("react-router", "react-router-serve build/server/index.js", is_stopgap=True),
}
_EXPORTS = re.compile(r"^[ \t]*export\s+default\b|^[ \t]*module\.exports\s*=", re.MULTILINE)
_HANDLERS = ("express", "hono", "koa", "h3", "polka", "itty-router")
_IS_NODES = re.compile(r"\brequire\(|\bmodule\.exports|^exports\.|\bprocess\.|^import\s.+\sfrom\s", re.MULTILINE)
_FILES = tuple(
    f"{folder}{name}.{suffix}" for folder in ("", "src/") for name in ("index", "server", "app", "main")
    for suffix in ("js", "mjs", "cjs", "ts", "mts")
)  # fmt: skip


def of(workspace: Workspace) -> tuple[str, Server] | None:
    """The framework's package and what is known of it; an adapter of SvelteKit's counts for more than Kit itself."""
    package = node_facts.first_dependency(workspace, *SERVERS)
    return (package, SERVERS[package]) if package else None


def usual_start(workspace: Workspace) -> str | None:
    """How the framework's own server is started, for want of a script that does."""
    known = of(workspace)
    if known and known[1].framework == "tanstack-start" and _makes_a_handler(workspace, known[0]):
        return _SRVX
    return known[1].start if known else None


def _makes_a_handler(workspace: Workspace, package: str) -> bool:
    configs = "".join(workspace.read_text(path, 20_000) or "" for path in workspace.glob("vite.config.*"))
    if not configs or "nitro" in configs or node_facts.first_dependency(workspace, "nitro", "nitropack", "vinxi"):
        return False
    declared = {**node_facts.dependencies(workspace), **node_facts.development_dependencies(workspace)}
    floor = re.search(r"(\d+)\.(\d+)", declared.get(package, ""))
    return floor is None or (int(floor[1]), int(floor[2])) >= _WITHOUT_NITRO


def start_of_function(workspace: Workspace) -> Start | None:
    """Google's Functions Framework: the function that project.toml names, else the only one that is exported."""
    named = re.search(
        r"GOOGLE_FUNCTION_TARGET[\"']?\s{0,40}(?:value)?\s{0,20}=\s{0,20}[\"']([A-Za-z_]\w*)",
        workspace.read_text("project.toml") or "",
    )
    declared = node_facts.first_dependency(workspace, "@google-cloud/functions-framework")
    if not named and not declared:
        return None
    path = next((name for name in ("index.js", "function.js", "index.mjs") if workspace.exists(name)), None)
    if path is None:
        return None
    exported = re.findall(
        r"^exports\.(\w+)\s*=|functions\.http\(\s*['\"](\w+)", workspace.read_text(path) or "", re.MULTILINE
    )
    target = named[1] if named else next((one or other for one, other in exported), None)
    source = "GOOGLE_FUNCTION_TARGET in project.toml" if named else path
    return Start(f"functions-framework --target={target} --port=$PORT", source) if target else None


def start_of_export(workspace: Workspace) -> Start | None:
    """An application that a module exports and that nothing starts to listen: our launcher serves it."""
    framework = node_facts.first_dependency(workspace, *_HANDLERS)
    if framework is None or any(node_facts.scripts(workspace).get(name) for name in ("start", "start:prod", "serve")):
        return None
    for path in _FILES:
        text = workspace.read_text(path, 200_000) or ""
        if _EXPORTS.search(text) and framework in text and not node_entry.serves(text):
            runner = "tsx" if path.endswith("ts") else "node"
            return Start(f"{runner} {LAUNCHER} {path}", f"the default export of {path}")
    return None


def lone_file(workspace: Workspace) -> Fact | None:
    """A program for Node.js without a package.json; code for a browser is none."""
    if workspace.exists("package.json") or workspace.glob("*.html") or workspace.exists("deno.json"):
        return None
    if procfile.processes(workspace).get("web"):
        return None
    names = [name for name in _FILES if name.endswith("js")]
    found = (name for name in names if _IS_NODES.search(workspace.read_text(name, 200_000) or ""))
    return next((Fact(name, "a file of a usual name") for name in found), None)
