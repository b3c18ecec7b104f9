"""Jekyll and Middleman: pages built with Ruby, then served as files."""

from __future__ import annotations

import re

from dockerfile_templates import templates
from domain import Kind, Plan
from workspace import Workspace, toolchains
from workspace.facts import Fact

NAME = "jekyll"
PORT = 8080

_USUAL = Fact("3.3", "default: the repository names no version")


def matches(workspace: Workspace) -> bool:
    """Whether the Gemfile names the generator, or Jekyll's configuration has pages beside it."""
    return _tool(workspace) is not None


def plan(workspace: Workspace) -> Plan:
    """Bundler's gems where there is a Gemfile, else Jekyll alone; then the build."""
    tool = _tool(workspace)
    assert tool is not None, "plan() follows matches()"  # noqa: S101
    toolchain = toolchains.ruby(workspace)
    version = toolchain.version if toolchain else workspace.told.get("version", _USUAL)
    has_gemfile = workspace.exists("Gemfile")
    install = "bundle install" if has_gemfile else "gem install jekyll"
    output = "_site" if tool.value == "jekyll" else "build"
    build = f"{'bundle exec ' if has_gemfile else ''}{tool.value} build"
    facts = {
        "strategy": Fact(NAME, tool.source),
        "framework": tool,
        "version": version,
        "package_manager": Fact("bundler", "Gemfile" if has_gemfile else tool.source),
        "install": Fact(install, "Gemfile" if has_gemfile else tool.source),
        "build": Fact(build, f"usual for {tool.value}"),
        "start": Fact(f"static server on {output}/", f"usual for {tool.value}"),
        "port": Fact(str(PORT), "our static server"),
    }
    return Plan(
        strategy=NAME,
        kind=Kind.STATIC,
        framework=tool.value,
        language="ruby",
        version=version.value,
        package_manager="bundler",
        install=install,
        build=build,
        start=facts["start"].value,
        port=PORT,
        dockerfile=templates.dockerfile(NAME),
        build_args={
            "RUBY_IMAGE": f"ruby:{version.value}",
            "INSTALL": install,
            "BUILD": build,
            "OUTPUT": output,
            "BUTLER_PORT": str(PORT),
        },
        evidence=tuple(fact.evidence(field) for field, fact in facts.items()),
        warnings=toolchain.warnings if toolchain else (),
    )


def _tool(workspace: Workspace) -> Fact | None:
    gems = workspace.read_text("Gemfile") or ""
    for name, config in (("jekyll", "_config.yml"), ("middleman", "config.rb")):
        if workspace.exists(config) and re.search(rf"['\"](?:{name}|github-pages)\b", gems):
            return Fact(name, f"{name} in Gemfile" if name in gems else "github-pages in Gemfile")
    pages = workspace.is_dir("_posts") or workspace.is_dir("_layouts") or workspace.exists("index.md")
    return Fact("jekyll", "_config.yml") if workspace.exists("_config.yml") and pages and not gems else None
