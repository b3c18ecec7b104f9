"""The repository's own Dockerfile, built as it is."""

from __future__ import annotations

import re

import dockerfile_text
from domain import Kind, Plan
from workspace import Workspace
from workspace.facts import Fact

NAME = "dockerfile"

_NAMES = ("Dockerfile", "dockerfile", "Containerfile")
_VARIANT = re.compile(r"(^|/)(?:[\w-]+\.)?(?:dockerfile|containerfile)(?:\.[\w.-]+)?$", re.IGNORECASE)


def matches(workspace: Workspace) -> bool:
    """Whether a Dockerfile of a plain name lies at the root."""
    return _own(workspace) is not None


def plan(workspace: Workspace) -> Plan:
    """The Dockerfile's path, and the port that it EXPOSEs."""
    path = _own(workspace)
    assert path is not None, "plan() follows matches()"  # noqa: S101
    facts = {"strategy": Fact(NAME, path)}
    ports = dockerfile_text.exposed_ports(workspace.read_text(path) or "", {})
    if ports:
        facts["port"] = Fact(str(ports[0]), f"EXPOSE in {path}")
    return Plan(
        strategy=NAME,
        kind=Kind.DOCKERFILE,
        dockerfile_path=path,
        port=ports[0] if ports else None,
        evidence=tuple(fact.evidence(field) for field, fact in facts.items()),
        candidates=tuple(other for other in variants(workspace) if other != path),
    )


def variants(workspace: Workspace) -> tuple[str, ...]:
    """Files that are Dockerfiles by name and are not taken by themselves: Dockerfile.dev, docker/Dockerfile, ..."""
    found = (path for path in workspace.files() if path.count("/") <= 2 and _VARIANT.search(path))
    return tuple(path for path in found if not path.endswith(".dockerignore") and path not in _NAMES[:1])[:10]


def _own(workspace: Workspace) -> str | None:
    return next((name for name in _NAMES if (workspace.read_text(name) or "").strip()), None)
