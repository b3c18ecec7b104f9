"""Sites that are built once and then served as files: React, Vue, Svelte, Angular and static generators."""

from __future__ import annotations

import re

from dockerfile_templates import templates
from dockerfile_templates.node_basis import NodeBasis, is_application, node_basis
from domain import Kind, Plan, PlanWarning
from workspace import Workspace, node_entry, node_facts
from workspace.facts import Fact

NAME = "spa"
PORT = 8080

# package → (framework, output folder, its build command, whether unknown paths belong to index.html)
_TOOLS: dict[str, tuple[str, str, str, bool]] = {
    "@docusaurus/core": ("docusaurus", "build", "docusaurus build", False),
    "gatsby": ("gatsby", "public", "gatsby build", False),
    "astro": ("astro", "dist", "astro build", False),
    "@11ty/eleventy": ("eleventy", "_site", "eleventy", False),
    "vitepress": ("vitepress", "docs/.vitepress/dist", "vitepress build docs", False),
    "hexo": ("hexo", "public", "hexo generate", False),
    "nuxt": ("nuxt", ".output/public", "nuxt generate", True),
    "@react-router/dev": ("react-router", "build/client", "react-router build", True),
    "@sveltejs/kit": ("sveltekit", "build", "vite build", True),
    "@angular/core": ("angular", "dist", "ng build", True),
    "react-scripts": ("create-react-app", "build", "react-scripts build", True),
    "@vue/cli-service": ("vue-cli", "dist", "vue-cli-service build", True),
    "@ionic/angular": ("ionic", "www", "ng build", True),
    "@stencil/core": ("stencil", "www", "stencil build", True),
    "preact-cli": ("preact", "build", "preact build", True),
    "ember-cli": ("ember", "dist", "ember build --environment=production", True),
    "umi": ("umi", "dist", "umi build", True),
    "vite": ("vite", "dist", "vite build", True),
    "parcel": ("parcel", "dist", "parcel build", True),
    "@rsbuild/core": ("rsbuild", "dist", "rsbuild build", True),
}
_FLAVOURS = ("react", "vue", "svelte", "preact", "solid-js", "lit", "@builder.io/qwik")
# With one of these the build makes a server, not files.
_SERVER_SIDE = (
    "next",
    "@remix-run/node",
    "@remix-run/serve",
    "@react-router/serve",
    "@react-router/node",
    "@sveltejs/adapter-node",
    "@sveltejs/adapter-auto",
    "@sveltejs/adapter-vercel",
    "@sveltejs/adapter-netlify",
    "@sveltejs/adapter-cloudflare",
    "@astrojs/node",
    "@astrojs/vercel",
    "@astrojs/netlify",
    "@astrojs/cloudflare",
    "@builder.io/qwik-city",
    "@solidjs/start",
    "@tanstack/react-start",
    "@tanstack/start",
    "vinxi",
    "vike",
    "@nestjs/core",
    "@strapi/strapi",
)
_BUNDLERS = re.compile(r"\b(webpack|rollup|esbuild|gulp|grunt|parcel|vite|tailwindcss|rspack|brunch|snowpack|sass)\b")
_OUT = re.compile(r"--out(?:-?dir)?[= ]['\"]?([\w./-]+)")


def matches(workspace: Workspace) -> bool:
    """Whether a known tool builds files and nothing but a dev server or file server would start."""
    if not is_application(workspace) or _is_server(workspace):
        return False
    return _tool(workspace) is not None or _is_bundled_page(workspace)


def plan(workspace: Workspace) -> Plan:
    """Build with the repository's script, serve what appeared."""
    package = _tool(workspace)
    framework, output, build, is_spa = _TOOLS[package] if package else ("bundled page", "dist", "", False)
    flavour = node_facts.first_dependency(workspace, *_FLAVOURS)
    if framework == "vite" and flavour:
        framework = f"vite-{flavour.removeprefix('@builder.io/').removesuffix('-js')}"
    basis = node_basis(workspace, build or None)
    given = _OUT.search(node_facts.scripts(workspace).get("build", ""))
    source = f"{package} in package.json" if package else "scripts.build in package.json"
    folder = Fact(given[1], "scripts.build in package.json") if given else Fact(output, f"usual for {framework}")
    return served_files(
        workspace, basis, strategy=Fact(NAME, source), framework=framework, output=folder, is_spa=is_spa
    )


def served_files(
    workspace: Workspace, basis: NodeBasis, *, strategy: Fact, framework: str, output: Fact, is_spa: bool
) -> Plan:
    """The plan that builds and serves files, also for frameworks that only sometimes do."""
    start = Fact(f"static server on {output.value}/", output.source)
    facts = {"strategy": strategy, "framework": Fact(framework, strategy.source), "start": start}
    facts["port"] = Fact(str(PORT), "our static server")
    return Plan(
        strategy=strategy.value,
        kind=Kind.SPA,
        framework=framework,
        language="node",
        version=basis.version,
        package_manager=basis.manager.name,
        install=basis.manager.install,
        build=basis.build,
        start=start.value,
        port=PORT,
        dockerfile=templates.dockerfile(NAME),
        build_args={
            **basis.build_args,
            "BUILD": basis.build or "",
            "OUTPUT": output.value.removeprefix("./").strip("/"),
            "BUTLER_SPA": "1" if is_spa else "",
            "BUTLER_PORT": str(PORT),
        },
        evidence=(*(fact.evidence(field) for field, fact in facts.items()), *basis.evidence),
        warnings=(*basis.warnings, *_dev_server_warning(workspace)),
    )


def _tool(workspace: Workspace) -> str | None:
    package = node_facts.first_dependency(workspace, *_TOOLS)
    scripts = node_facts.scripts(workspace)
    if package == "nuxt":
        return package if re.search(r"\b(nuxt|nuxi)\s+generate\b", scripts.get("build", "")) else None
    if package == "@react-router/dev":
        settings = workspace.read_text("react-router.config.ts") or workspace.read_text("react-router.config.js") or ""
        return package if re.search(r"\bssr\s*:\s*false\b", settings) else None
    if package == "@sveltejs/kit":
        return package if node_facts.first_dependency(workspace, "@sveltejs/adapter-static") else None
    return package


def _is_server(workspace: Workspace) -> bool:
    """Whether a start command or a server's package says that there is more than files to serve."""
    rendered = node_facts.first_dependency(workspace, *_SERVER_SIDE)
    if rendered and _tool(workspace) not in ("@react-router/dev", "@sveltejs/kit"):
        return True
    start = node_entry.find_start(workspace)
    if start is None:
        return False
    if start.source.startswith(("scripts.", "web in")):
        return not node_entry.serves_files_only(_own_text(workspace, start.command))
    server = node_facts.first_dependency(workspace, "express", "fastify", "koa", "hono", "@hapi/hapi")
    return server is not None and "main" not in start.source


def _own_text(workspace: Workspace, command: str) -> str:
    found = re.fullmatch(r"\w+ run ([\w:-]+)", command)
    return node_facts.scripts(workspace).get(found[1], command) if found else command


def _is_bundled_page(workspace: Workspace) -> bool:
    """A page of any other make: a build script that calls a bundler, and an index.html to start from."""
    script = node_facts.scripts(workspace).get("build", "")
    has_page = any(workspace.exists(f"{folder}index.html") for folder in ("", "public/", "src/", "app/"))
    return bool(_BUNDLERS.search(script)) and has_page


def _dev_server_warning(workspace: Workspace) -> tuple[PlanWarning, ...]:
    start = node_facts.scripts(workspace).get("start", "")
    if not start or not node_entry.is_dev_server(start) or node_entry.serves_files_only(start):
        return ()
    message = f"scripts.start in package.json ({start}) is a development server; the built files are served instead."
    return (PlanWarning("start-is-a-dev-server", message, "Nothing needs to be done."),)
