"""Next.js in its three forms: `next start`, the standalone server, and files exported by the build."""

from __future__ import annotations

import re

from dockerfile_templates import spa, templates
from dockerfile_templates.node_basis import NodeBasis, is_application, node_basis, run_args
from domain import Kind, Plan, PlanWarning
from workspace import Workspace, node_entry, node_facts
from workspace.facts import Fact

NAME = "nextjs"
PORT = 3000

_CONFIGS = ("next.config.ts", "next.config.mjs", "next.config.js", "next.config.cjs", "next.config.mts")
_OUTPUT = re.compile(r"^(?![ \t]*(?://|\*)).*?\boutput\s*:[^,\n]*?['\"](standalone|export)['\"]", re.MULTILINE)
_PLAIN_START = re.compile(r"^[ \t]*(?:NODE_ENV=production\s+)?(?:npx\s+)?next\s+start\b[^;&|]*$")


def matches(workspace: Workspace) -> bool:
    """Whether Next.js is a dependency."""
    return is_application(workspace) and node_facts.first_dependency(workspace, "next") is not None


def plan(workspace: Workspace) -> Plan:
    """By the `output` of its configuration."""
    basis = node_basis(workspace, "next build")
    output = _output(workspace)
    strategy = Fact(NAME, "next in package.json")
    if output.value == "export":
        site = Fact("out", output.source)
        return spa.served_files(workspace, basis, strategy=strategy, framework="nextjs", output=site, is_spa=False)
    start = _start(workspace, output)
    facts = {"strategy": strategy, "framework": Fact("nextjs", output.source), "start": start}
    facts["port"] = Fact(str(PORT), "usual for Next.js")
    return Plan(
        strategy=NAME,
        kind=Kind.NEXTJS,
        framework="nextjs",
        language="node",
        version=basis.version,
        package_manager=basis.manager.name,
        install=basis.manager.install,
        build=basis.build,
        start=start.value,
        port=PORT,
        dockerfile=templates.dockerfile(NAME),
        build_args=_args(workspace, basis, start.value, output.value),
        evidence=(*(fact.evidence(field) for field, fact in facts.items()), *basis.evidence),
        warnings=(*basis.warnings, *_warnings(workspace)),
    )


def _output(workspace: Workspace) -> Fact:
    for path in _CONFIGS:
        found = _OUTPUT.search(workspace.read_text(path) or "")
        if found:
            return Fact(found[1], f'output: "{found[1]}" in {path}')
    if re.search(r"\bnext\s+export\b", node_facts.scripts(workspace).get("build", "")):
        return Fact("export", "next export in scripts.build of package.json")
    return Fact("plain", "next in package.json")


def _start(workspace: Workspace, output: Fact) -> Fact:
    """The repository's own start where it does more than `next start`, else the form's usual one."""
    found = node_entry.find_start(workspace)
    if found and found.source.startswith(("scripts.start ", "web in")) and not _PLAIN_START.match(found.command):
        scripts_text = node_facts.scripts(workspace).get("start", "")
        if output.value != "standalone" or "standalone" not in scripts_text:
            return found.fact
    if output.value == "standalone":
        return Fact("node server.js", output.source)
    return Fact("next start -H 0.0.0.0 -p $PORT", "usual for Next.js")


def _args(workspace: Workspace, basis: NodeBasis, start: str, output: str) -> dict[str, str]:
    standalone = output == "standalone" and start == "node server.js"
    args = {**basis.build_args, **run_args(workspace, basis, start), "BUILD": basis.build or ""}
    if standalone:
        args.update(PRUNE="", GLOBAL_PACKAGES="")
    return {**args, "RUN_FROM": "standalone" if standalone else "plain", "BUTLER_PORT": str(PORT)}


def _warnings(workspace: Workspace) -> tuple[PlanWarning, ...]:
    for path in workspace.files():
        if path.endswith(("layout.tsx", "layout.jsx", "layout.js", "_app.tsx", "_app.js", "fonts.ts")):
            if "next/font/google" in (workspace.read_text(path) or ""):
                return (
                    PlanWarning(
                        "uses-next-font-google",
                        f"{path} loads fonts from Google while building; without that server the build fails.",
                        "Where the builder has no way to Google, use next/font/local with font files of your own.",
                    ),
                )
    return ()
