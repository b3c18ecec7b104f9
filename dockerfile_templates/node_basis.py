"""What all plans for Node.js repositories have in common: version, package manager, installation and build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dockerfile_templates.procfile_language import speaks
from domain import Evidence, PlanWarning
from workspace import Workspace, commands, node_entry, node_facts, node_packages
from workspace.facts import Fact
from workspace.node_packages import PackageManager

# Programs that start commands call and repositories forget to declare, by the package that brings them.
_FORGOTTEN = {
    "cross-env": "cross-env",
    "concurrently": "concurrently",
    "dotenv": "dotenv-cli",
    "env-cmd": "env-cmd",
    "forever": "forever",
    "functions-framework": "@google-cloud/functions-framework",
    "http-server": "http-server",
    "json-server": "json-server",
    "nodemon": "nodemon",
    "pm2": "pm2",
    "pm2-runtime": "pm2",
    "react-router-serve": "@react-router/serve",
    "remix-serve": "@remix-run/serve",
    "run-p": "npm-run-all",
    "run-s": "npm-run-all",
    "serve": "serve",
    "srvx": "srvx",
    "ts-node": "ts-node typescript",
    "ts-node-dev": "ts-node-dev typescript",
    "tsx": "tsx",
}
_PYTHON_PROGRAMS = ("main.py", "app.py", "server.py", "wsgi.py", "asgi.py", "run.py", "application.py", "app/main.py")
# manifest of another stack → what shows that it is an application, not only tooling beside one; "" for the manifest itself
_OTHER_STACKS: dict[str, tuple[str, ...]] = {
    "composer.json": ("artisan", "index.php", "public/index.php", "web/index.php", "bin/console"),
    "Gemfile": ("config.ru", "config/application.rb", "app.rb", "main.rb", "server.rb"),
    "go.mod": ("main.go", "cmd"),
    "Cargo.toml": ("src/main.rs", "src/bin"),
    "pom.xml": ("src/main",),
    "build.gradle": ("src/main", "app/src/main"),
    "build.gradle.kts": ("src/main", "app/src/main"),
    "mix.exs": ("mix.exs",),
    "manage.py": ("manage.py",),
    "requirements.txt": _PYTHON_PROGRAMS,
    "pyproject.toml": _PYTHON_PROGRAMS,
    "Pipfile": _PYTHON_PROGRAMS,
}


@dataclass(frozen=True)
class NodeBasis:
    """The common part of a plan: values, the arguments of the Dockerfile's first stages, and the reasons."""

    manager: PackageManager
    version: str
    build: str | None
    build_args: Mapping[str, str]
    evidence: tuple[Evidence, ...]
    warnings: tuple[PlanWarning, ...]


def is_node_manifest(workspace: Workspace) -> bool:
    """Whether there is a package.json that can be read."""
    return node_facts.has_package_json(workspace)


def is_application(workspace: Workspace) -> bool:
    """Whether package.json describes the application, not just the asset tooling of one in another language."""
    if not node_facts.has_package_json(workspace):
        return False
    start = node_facts.scripts(workspace).get("start", "")
    if speaks(workspace, "node") or workspace.exists("index.html"):
        return True
    if start and not node_entry.is_dev_server(start):
        return True
    return not _other_stack(workspace)


def _other_stack(workspace: Workspace) -> bool:
    if workspace.glob("*.{csproj,fsproj}"):
        return True
    return any(
        workspace.exists(manifest) and any(workspace.exists(sign) or workspace.is_dir(sign) for sign in signs)
        for manifest, signs in _OTHER_STACKS.items()
    )


def node_basis(workspace: Workspace, usual_build: str | None = None) -> NodeBasis:
    """What the repository says; `usual_build` is the framework's own command for want of a build script."""
    manager = node_packages.package_manager(workspace)
    version, warnings = node_facts.version(workspace)
    needs_source = node_facts.why_install_needs_source(workspace)
    if not node_facts.has_package_json(workspace):
        manager = replace(manager, install="true", install_unlocked="", source="there is no package.json")
    build = _build(workspace, manager, usual_build)
    facts = {
        "version": version,
        "package_manager": manager.fact,
        "install": Fact(manager.install, needs_source or manager.lockfile or manager.source),
    } | ({"build": build} if build else {})
    return NodeBasis(
        manager=manager,
        version=version.value,
        build=build.value if build else None,
        build_args={
            "NODE_IMAGE": f"node:{version.value}-slim",
            "PACKAGE_MANAGER": manager.package,
            "INSTALL": manager.install,
            "INSTALL_UNLOCKED": manager.install_unlocked,
            "INSTALL_FROM": "source" if needs_source else "manifests",
            "BUILD_PACKAGES": build_packages(workspace),
        },
        evidence=tuple(fact.evidence(field) for field, fact in facts.items()),
        warnings=(*warnings, *manager.warnings),
    )


def run_args(workspace: Workspace, basis: NodeBasis, start: str) -> dict[str, str]:
    """The arguments of the stages that run: what is removed after the build, what must be there to start."""
    tools = _tools_of(workspace, basis.manager, start)
    through_scripts = basis.manager.name in commands.words(start)[:1]
    keep = through_scripts or node_entry.development_tools_at_run(workspace, start)
    has_any = bool(node_facts.development_dependencies(workspace))
    return {
        "BUTLER_START": commands.executable(start),
        "PRUNE": "" if keep or not has_any else basis.manager.prune,
        "GLOBAL_PACKAGES": " ".join(tools),
        "RUN_PACKAGES": "openssl ca-certificates" if node_facts.first_dependency(workspace, *_PRISMA) else "",
    }


def build_packages(workspace: Workspace) -> str:
    """Debian packages without which the installation cannot work."""
    specs = {**node_facts.dependencies(workspace), **node_facts.development_dependencies(workspace)}.values()
    needs_git = any(spec.startswith(("git", "github:", "bitbucket:", "gitlab:")) for spec in specs)
    needs_openssl = node_facts.first_dependency(workspace, *_PRISMA) is not None
    return " ".join(["git", "ca-certificates"] * needs_git + ["openssl"] * needs_openssl)


_PRISMA = ("prisma", "@prisma/client")


def _build(workspace: Workspace, manager: PackageManager, usual: str | None) -> Fact | None:
    script = node_facts.scripts(workspace).get("build", "").strip()
    if script and "docker" not in script:
        # create-react-app takes every warning for an error where CI is set.
        relaxed = "CI=false " if "react-scripts" in script or "craco" in script else ""
        # With this variable SvelteKit's adapter-auto takes the adapter for Node.js.
        relaxed += "GCP_BUILDPACKS=true " if node_facts.first_dependency(workspace, "@sveltejs/adapter-auto") else ""
        return Fact(f"{relaxed}{manager.run} build", "scripts.build in package.json")
    return Fact(f"{manager.execute} {usual}", "the framework's usual command") if usual else None


def _tools_of(workspace: Workspace, manager: PackageManager, start: str) -> list[str]:
    programs = set(commands.programs(start))
    script = node_facts.scripts(workspace).get(start.removeprefix(f"{manager.run} "), "")
    programs |= set(commands.programs(script))
    declared = {**node_facts.dependencies(workspace), **node_facts.development_dependencies(workspace)}
    forgotten = {_FORGOTTEN[p] for p in programs if p in _FORGOTTEN and _FORGOTTEN[p].split()[0] not in declared}
    uses_manager = manager.package and manager.name in f"{start} {script}".replace("=", " ").split()
    return sorted(forgotten) + ([manager.package] if uses_manager else [])
