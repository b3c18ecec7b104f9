"""What all plans for Python repositories have in common: version, installer, what serves, Procfile's word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dockerfile_templates import templates
from dockerfile_templates.procfile_language import speaks
from domain import Evidence, Kind, Plan, PlanWarning
from workspace import Workspace, commands, procfile, python_facts
from workspace.facts import Fact

# What serves an application, by the program that a start command calls.
_SERVERS = {
    "gunicorn": "gunicorn",
    "uvicorn": "uvicorn[standard]",
    "hypercorn": "hypercorn",
    "daphne": "daphne",
    "waitress-serve": "waitress",
    "streamlit": "streamlit",
    "fastapi": "fastapi[standard]",
    "flask": "flask",
    "granian": "granian",
    "uwsgi": "uwsgi",
    "functions-framework": "functions-framework",
}
# Debian packages that the sources of a Python package need: while it is built, and when it runs.
_NATIVE = {
    "psycopg2": ("gcc libc6-dev libpq-dev", "libpq5"),
    "psycopg": ("", "libpq5"),
    "mysqlclient": ("gcc libc6-dev pkg-config default-libmysqlclient-dev", "libmariadb3"),
    "uwsgi": ("gcc libc6-dev", ""),
    "opencv-python": ("", "libgl1 libglib2.0-0"),
    "pydub": ("", "ffmpeg"),
    "pdf2image": ("", "poppler-utils"),
    "python-magic": ("", "libmagic1"),
}


@dataclass(frozen=True)
class PythonBasis:
    """The common part of a plan: values, the arguments of the Dockerfile's first stages, and the reasons."""

    version: str
    installer: str
    install: str | None
    build_args: Mapping[str, str]
    evidence: tuple[Evidence, ...]
    warnings: tuple[PlanWarning, ...]


def is_application(workspace: Workspace) -> bool:
    """Whether the repository declares Python dependencies or has a program by a usual name."""
    if python_facts.has_manifest(workspace) or any(workspace.exists(name) for name in PROGRAMS):
        return True
    return speaks(workspace, "python")


PROGRAMS = ("main.py", "app.py", "server.py", "start.py", "run.py", "bot.py", "hello.py", "wsgi.py", "manage.py")


def python_basis(workspace: Workspace, start: str, *, needed: tuple[str, ...] = ()) -> PythonBasis:
    """What the repository says; `needed` are packages without which the framework does not run."""
    installer = python_facts.installer(workspace)
    version, warnings = python_facts.version(workspace)
    extras = _missing(workspace, start, needed)
    build_packages, run_packages = _native(workspace)
    facts = {
        "version": version,
        "package_manager": installer.fact,
        "install": Fact(installer.install, installer.needs_source or installer.source),
    } | ({"extra_packages": Fact(extras, "the start command needs them")} if extras else {})
    return PythonBasis(
        version=version.value,
        installer=installer.name,
        install=None if installer.install == "true" else installer.install,
        build_args={
            "PYTHON_IMAGE": f"python:{version.value}-slim",
            "INSTALLER": installer.package,
            "INSTALL": installer.install,
            "INSTALL_UNLOCKED": installer.install_unlocked,
            "INSTALL_FROM": "source" if installer.needs_source else "manifests",
            "EXTRA_PACKAGES": extras,
            "BUILD_PACKAGES": build_packages,
            "RUN_PACKAGES": run_packages,
            "BUTLER_START": commands.executable(start),
        },
        evidence=tuple(fact.evidence(field) for field, fact in facts.items()),
        warnings=(*warnings, *installer.warnings, *_loopback_warning(start)),
    )


def application_plan(
    workspace: Workspace,
    *,
    strategy: Fact,
    kind: Kind,
    framework: Fact,
    start: Fact,
    port: Fact,
    needed: tuple[str, ...],
) -> Plan:
    """The plan of an application that listens: the template of that name, and what the repository says."""
    basis = python_basis(workspace, start.value, needed=needed)
    facts = {"strategy": strategy, "framework": framework, "start": start, "port": port}
    return Plan(
        strategy=strategy.value,
        kind=kind,
        framework=framework.value,
        language="python",
        version=basis.version,
        package_manager=basis.installer,
        install=basis.install,
        start=start.value,
        port=int(port.value),
        dockerfile=templates.dockerfile(strategy.value),
        build_args={**basis.build_args, "BUTLER_PORT": port.value},
        evidence=(*(fact.evidence(field) for field, fact in facts.items()), *basis.evidence),
        warnings=basis.warnings,
    )


def procfile_start(workspace: Workspace) -> Fact | None:
    """What a Procfile says to start, its release command before it."""
    processes = procfile.processes(workspace)
    web = processes.get("web")
    if web is None:
        return None
    release = processes.get("release")
    return Fact(f"{release} && {web}", "release and web in Procfile") if release else Fact(web, "web in Procfile")


def _missing(workspace: Workspace, start: str, needed: tuple[str, ...]) -> str:
    declared = python_facts.dependencies(workspace)
    programs = {program.rpartition("/")[2] for program in commands.programs(start)}
    wanted = [_SERVERS[program] for program in sorted(programs & _SERVERS.keys())] + list(needed)
    return " ".join(dict.fromkeys(name for name in wanted if name.split("[")[0] not in declared))


def _native(workspace: Workspace) -> tuple[str, str]:
    declared = python_facts.dependencies(workspace)
    found = [_NATIVE[name] for name in _NATIVE if name in declared and f"{name}-binary" not in declared]
    requirements = workspace.read_text(python_facts.requirements_file(workspace) or "requirements.txt") or ""
    git = "git" if re.search(r"\bgit\+", requirements + (workspace.read_text("pyproject.toml") or "")) else ""
    if "psycopg" in declared and re.search(r"psycopg\[[^\]]*binary", requirements):
        found.remove(_NATIVE["psycopg"])
    return (
        " ".join(dict.fromkeys(f"{' '.join(build for build, _ in found)} {git}".split())),
        " ".join(dict.fromkeys(" ".join(run for _, run in found).split())),
    )


def _loopback_warning(start: str) -> tuple[PlanWarning, ...]:
    if not commands.binds_loopback(start):
        return ()
    return (
        PlanWarning(
            "binds-loopback",
            f"`{start}` listens on the loopback address, which nothing outside the container reaches.",
            "Let it listen on 0.0.0.0, for example `--host 0.0.0.0` or `--bind 0.0.0.0:$PORT`.",
        ),
    )
