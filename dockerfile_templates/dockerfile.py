"""The repository's own Dockerfile, built as it is."""

from __future__ import annotations

import re

import dockerfile_text
from dockerfile_templates.survey import found
from domain import Kind, Plan
from workspace import Workspace, commands
from workspace.facts import Fact

NAME = "dockerfile"

_NAMES = ("Dockerfile", "dockerfile", "Containerfile")
# What official images of web servers listen on, for Dockerfiles that only build on them.
_SERVING = {"nginx": 80, "nginx-unprivileged": 8080, "httpd": 80, "caddy": 80, "wordpress": 80, "nextcloud": 80, "ghost": 2368,
            "tomcat": 8080, "jetty": 8080, "grafana": 3000, "frankenphp": 80, "uvicorn-gunicorn-fastapi": 80}  # fmt: skip
_VARIANT = re.compile(r"(^|/)(?:[\w-]+\.)?(?:dockerfile|containerfile)(?:\.[\w.-]+)?$", re.IGNORECASE)


def matches(workspace: Workspace) -> bool:
    """Whether a Dockerfile of a plain name lies at the root."""
    return _own(workspace) is not None


def plan(workspace: Workspace, file: str | None = None) -> Plan:
    """The Dockerfile's path, and the port that it EXPOSEs or that its last stage serves on. `file` was chosen by name."""
    path = file or _own(workspace)
    assert path is not None, "plan() follows matches()"  # noqa: S101
    text = workspace.read_text(path) or ""
    port = _port(workspace, path, text)
    facts = {"strategy": Fact(NAME, path), **({"port": port} if port else {}), **found(workspace)}
    manager = facts.get("package_manager")
    language, version = facts.get("language"), facts.get("version")
    return Plan(
        strategy=NAME,
        kind=Kind.DOCKERFILE,
        dockerfile_path=path,
        port=int(port.value) if port else None,
        language=language.value if language else None,
        version=version.value if version else None,
        package_manager=manager.value.split()[0] if manager and manager.value else None,
        evidence=tuple(fact.evidence(field) for field, fact in facts.items()),
        candidates=tuple(other for other in variants(workspace) if other != path),
    )


def is_one(path: str) -> bool:
    """Whether a file is a Dockerfile by its name."""
    return _VARIANT.search(path) is not None and not path.endswith((".yml", ".yaml"))


def variants(workspace: Workspace) -> tuple[str, ...]:
    """Files that are Dockerfiles by name and are not taken by themselves: Dockerfile.dev, docker/Dockerfile, ..."""
    named = (path for path in workspace.files() if path.count("/") <= 2 and _VARIANT.search(path))
    return tuple(path for path in named if not path.endswith(".dockerignore") and path not in _NAMES[:1])[:10]


def _own(workspace: Workspace) -> str | None:
    return next((name for name in _NAMES if (workspace.read_text(name) or "").strip()), None)


def _port(workspace: Workspace, path: str, text: str) -> Fact | None:
    """EXPOSE, else what the base image is known to serve on, else the command's own word, else the sources'."""
    ports = dockerfile_text.exposed_ports(text, {})
    if ports:
        return Fact(str(ports[0]), f"EXPOSE in {path}")
    base = dockerfile_text.final_image(text, {}).rpartition("/")[2].partition(":")[0]
    if base in _SERVING:
        return Fact(str(_SERVING[base]), f"the image {base}, which {path} builds on")
    command = dockerfile_text.final_command(text)
    literal = commands.port(command)
    if literal:
        return Fact(str(literal), f"the command in {path}")
    if not command:
        return None
    return _port_of_sources(workspace)


def _port_of_sources(workspace: Workspace) -> Fact | None:
    """Where the application itself would listen, were there no Dockerfile."""
    from dockerfile_templates import STRATEGIES

    for strategy in STRATEGIES:
        if strategy.NAME not in (NAME, "compose", "static", "spa") and strategy.matches(workspace):
            made: Plan = strategy.plan(workspace)
            reason = next((entry.source for entry in made.evidence if entry.field == "port"), "the sources")
            return Fact(str(made.port), reason) if made.port and made.expects_http else None
    return None
