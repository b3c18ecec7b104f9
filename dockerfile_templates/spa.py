"""Sites that are built once and then served as files: React, Vue, Svelte, Angular and static generators."""

from __future__ import annotations

import re

from dockerfile_templates import templates
from dockerfile_templates.node_basis import NodeBasis, is_application, node_basis
from domain import Kind, Plan, PlanWarning
from workspace import Workspace, node_entry, node_facts
from workspace.facts import Fact, table

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
    "@ionic/angular": ("ionic", "www", "ng build", True),
    "expo": ("expo", "dist", "expo export --platform web", True),
    "@angular/core": ("angular", "dist", "ng build", True),
    "react-scripts": ("create-react-app", "build", "react-scripts build", True),
    "@vue/cli-service": ("vue-cli", "dist", "vue-cli-service build", True),
    "@stencil/core": ("stencil", "www", "stencil build", True),
    "preact-cli": ("preact", "build", "preact build", True),
    "ember-cli": ("ember", "dist", "ember build --environment=production", True),
    "umi": ("umi", "dist", "umi build", True),
    "vite": ("vite", "dist", "vite build", True),
    "parcel": ("parcel", "dist", "parcel build", True),
    "@rsbuild/core": ("rsbuild", "dist", "rsbuild build", True),
    "docusaurus": ("docusaurus-1", "build", "docusaurus-build", False),
    "vuepress": ("vuepress", "docs/.vuepress/dist", "vuepress build docs", False),
    "@quasar/app-vite": ("quasar", "dist/spa", "quasar build", True),
    "@quasar/app-webpack": ("quasar", "dist/spa", "quasar build", True),
    "gridsome": ("gridsome", "dist", "gridsome build", False),
    "brunch": ("brunch", "public", "brunch build --production", True),
    "polymer-cli": ("polymer", "build", "polymer build", True),
    "@sanity/core": ("sanity", "dist", "sanity build", True),
    "sanity": ("sanity", "dist", "sanity build", True),
    "sapper": ("sapper", "__sapper__/export", "sapper export", False),
    "@slidev/cli": ("slidev", "dist", "slidev build", True),
    "@storybook/react": ("storybook", "storybook-static", "storybook build", False),
    "@11ty/eleventy-plugin-vite": ("eleventy", "_site", "eleventy", False),
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
    "@shopify/hydrogen",
    "@keystone-6/core",
    "@medusajs/medusa",
    "@redwoodjs/core",
    "directus",
    "@builder.io/qwik-city",
    "@solidjs/start",
    "@tanstack/react-start",
    "@tanstack/solid-start",
    "@tanstack/start",
    "vinxi",
    "vike",
    "@nestjs/core",
    "@strapi/strapi",
    "nitro",
    "nitropack",
)
_BUNDLERS = re.compile(r"\b(webpack|rollup|esbuild|gulp|grunt|parcel|vite|tailwindcss|rspack|brunch|snowpack|sass)\b")
_SERVED = re.compile(r"\b(?:serve|sirv|http-server)\s+(?:-\w+\s+)*([\w./-]+)")
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
    source = f"{package} in package.json" if package else "scripts.build in package.json"
    folder = _output_of(workspace, framework.partition("-")[0] if framework.startswith("vite") else framework, output)
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
    if package == "sapper":
        return package if "export" in scripts.get("build", "") else None
    if package == "expo":
        return package if node_facts.first_dependency(workspace, "react-native-web", "react-dom") else None
    if package == "astro":
        return None if _renders_on_demand(workspace) else package
    if package == "@react-router/dev":
        settings = workspace.read_text("react-router.config.ts") or workspace.read_text("react-router.config.js") or ""
        return package if re.search(r"\bssr\s*:\s*false\b", settings) else None
    if package == "@sveltejs/kit":
        return package if node_facts.first_dependency(workspace, "@sveltejs/adapter-static") else None
    return package


def _renders_on_demand(workspace: Workspace) -> bool:
    """Whether Astro's configuration asks for a server; an adapter alone does not."""
    texts = (workspace.read_text(path) or "" for path in workspace.glob("astro.config.*"))
    return any(re.search(r"\boutput\s*:\s*['\"]server['\"]", text) for text in texts)


def _output_of(workspace: Workspace, framework: str, usual: str) -> Fact:
    """Where the build writes: the script's own word, the tool's configuration, what a file server shows, or the usual."""
    scripts = node_facts.scripts(workspace)
    given = _OUT.search(scripts.get("build", ""))
    if given:
        return Fact(given[1], "scripts.build in package.json")
    pages = re.search(r"\b(vite|vue)press\s+build\s+([\w./-]+)", scripts.get("build", ""))
    if pages and framework == f"{pages[1]}press":
        return Fact(f"{pages[2].strip('/')}/.{pages[1]}press/dist", "scripts.build in package.json")
    if framework in ("angular", "ionic"):
        return _angular_output(workspace) or Fact(usual, f"usual for {framework}")
    served = _SERVED.search(scripts.get("start", ""))
    if framework == "bundled page" and served:
        return Fact(served[1], "scripts.start in package.json")
    return Fact(usual, f"usual for {framework}")


def _angular_output(workspace: Workspace) -> Fact | None:
    """`outputPath` of the first application in angular.json; the newer builder adds a folder for the browser."""
    for project in table(table(workspace.json("angular.json")).get("projects")).values():
        build = table(table(table(project).get("architect", table(project).get("targets"))).get("build"))
        builder, options = str(build.get("builder", "")), table(build.get("options"))
        path = options.get("outputPath")
        base = path if isinstance(path, str) else table(path).get("base")
        if isinstance(base, str) and re.fullmatch(r"[\w./-]+", base) and ".." not in base:
            inner = (
                "/browser" if builder.endswith((":application", ":browser-esbuild")) and isinstance(path, str) else ""
            )
            return Fact(f"{base.rstrip('/')}{inner}", "outputPath in angular.json")
    return None


def _is_server(workspace: Workspace) -> bool:
    """Whether a start command or a server's package says that there is more than files to serve."""
    rendered = node_facts.first_dependency(workspace, *_SERVER_SIDE)
    if rendered and _tool(workspace) not in ("@react-router/dev", "@sveltejs/kit"):
        return True
    start = node_entry.find_start(workspace)
    if start is None:
        return False
    if start.source.startswith(("scripts.", "web in")):
        return not node_entry.serves_files_only(_own_text(workspace, start.command), node_facts.scripts(workspace))
    server = node_facts.first_dependency(workspace, "express", "fastify", "koa", "hono", "@hapi/hapi")
    return server is not None and "main" not in start.source


def _own_text(workspace: Workspace, command: str) -> str:
    found = re.fullmatch(r"\w+ run ([\w:-]+)", command)
    return node_facts.scripts(workspace).get(found[1], command) if found else command


def _is_bundled_page(workspace: Workspace) -> bool:
    """A page of any other make: a build script that calls a bundler, and an index.html to start from or that it wrote."""
    script = node_facts.scripts(workspace).get("build", "")
    has_page = any(workspace.exists(f"{folder}index.html") for folder in ("", "public/", "src/", "app/"))
    return bool(_BUNDLERS.search(script)) and has_page or bool(script) and workspace.exists("dist/index.html")


def _dev_server_warning(workspace: Workspace) -> tuple[PlanWarning, ...]:
    start = node_facts.scripts(workspace).get("start", "")
    if not start or not node_entry.is_dev_server(start) or node_entry.serves_files_only(start):
        return ()
    message = f"scripts.start in package.json ({start}) is a development server; the built files are served instead."
    return (PlanWarning("start-is-a-dev-server", message, "Nothing needs to be done."),)
