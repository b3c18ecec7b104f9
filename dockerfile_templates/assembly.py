"""Putting a plan together from facts, for every language that has a template of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dockerfile_templates import templates
from dockerfile_templates.python_basis import procfile_start
from domain import Kind, Plan, PlanWarning
from workspace import Workspace, commands
from workspace.facts import Fact
from workspace.toolchains import Toolchain


@dataclass(frozen=True)
class Draft:
    """What a strategy found out: values with their sources, the Dockerfile's arguments, and what is to be said.

    `start` is the usual command, which a Procfile overrules unless it is fixed; without a `port` the program is judged by staying up.
    """

    name: str
    kind: Kind
    toolchain: Toolchain
    source: str
    start: Fact
    framework: Fact | None = None
    install: Fact | None = None
    build: Fact | None = None
    port: Fact | None = None
    default_port: int = 8080
    is_start_fixed: bool = False
    args: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[PlanWarning, ...] = ()
    candidates: tuple[str, ...] = ()


def plan_of(workspace: Workspace, draft: Draft) -> Plan:
    """The plan: each value beside where it came from."""
    toolchain = draft.toolchain
    facts = _facts(workspace, draft)
    start, port = facts["start"], facts.get("port")
    return Plan(
        strategy=draft.name,
        kind=draft.kind,
        framework=_value(draft.framework),
        language=toolchain.language,
        version=toolchain.version.value or None,
        package_manager=toolchain.manager.value or None,
        install=_value(draft.install),
        build=_value(draft.build),
        start=start.value,
        port=int(port.value) if port else None,
        expects_http=port is not None,
        dockerfile=templates.dockerfile(draft.name),
        build_args={
            **draft.args,
            "BUTLER_START": commands.executable(start.value),
            "BUTLER_PORT": port.value if port else str(draft.default_port),
        },
        evidence=tuple(fact.evidence(name) for name, fact in facts.items()),
        warnings=(*toolchain.warnings, *draft.warnings),
        candidates=draft.candidates,
    )


def _facts(workspace: Workspace, draft: Draft) -> dict[str, Fact]:
    """The plan's fields that have a value, each with its reason; the Procfile's word on the start is among them."""
    start = draft.start if draft.is_start_fixed else procfile_start(workspace) or draft.start
    port, literal = draft.port, commands.port(start.value)
    if literal:
        port = Fact(str(literal), "the start command")
    elif port is None and "Procfile" in start.source and "$PORT" in start.value:
        port = Fact(str(draft.default_port), "default: PORT is set to it")
    facts = {
        "strategy": Fact(draft.name, draft.source),
        "framework": draft.framework,
        "version": draft.toolchain.version if draft.toolchain.version.value else None,
        "package_manager": draft.toolchain.manager if draft.toolchain.manager.value else None,
        "install": draft.install,
        "build": draft.build,
        "start": start,
        "port": port,
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def _value(fact: Fact | None) -> str | None:
    return fact.value if fact else None
