"""Elixir: Phoenix, and other Mix projects that run as an application."""

from __future__ import annotations

import re

from dockerfile_templates.assembly import Draft, plan_of
from domain import Kind, Plan, PlanWarning
from workspace import Workspace, listening, toolchains
from workspace.facts import Fact

NAME = "elixir"

_PORTS = (r"PORT\"\s*\)?\s*(?:\|\||,)\s*\"?(\d{4,5})", r"\bport:\s*(\d{4,5})\b")


def matches(workspace: Workspace) -> bool:
    """Whether there is a Mix project."""
    return toolchains.elixir(workspace) is not None


def plan(workspace: Workspace) -> Plan:
    """Compile for production, digest Phoenix's assets, and run with Mix."""
    toolchain = toolchains.elixir(workspace)
    assert toolchain is not None, "plan() follows matches()"  # noqa: S101
    text = workspace.read_text("mix.exs") or ""
    is_phoenix = re.search(r"\{\s*:phoenix\s*,", text) is not None
    builds = "mix assets.deploy" if "assets.deploy" in text else "mix phx.digest" if is_phoenix else ""
    migrates = (
        "mix ecto.migrate && " if re.search(r"\{\s*:ecto_sql\s*,", text) and workspace.is_dir("priv/repo") else ""
    )
    start = f"{migrates}mix phx.server" if is_phoenix else f"{migrates}mix run --no-halt"
    configured = [
        path for path in ("config/runtime.exs", "config/prod.exs", "config/config.exs") if workspace.exists(path)
    ]
    port = listening.port_in(workspace, configured, *_PORTS)
    return plan_of(
        workspace,
        Draft(
            name=NAME,
            kind=Kind.ELIXIR,
            toolchain=toolchain,
            source="mix.exs",
            start=Fact(start, "phoenix in mix.exs" if is_phoenix else "mix.exs"),
            framework=Fact("phoenix", "phoenix in mix.exs") if is_phoenix else None,
            install=Fact("mix deps.get --only prod", "mix.exs"),
            build=Fact(builds, "aliases in mix.exs") if builds else None,
            port=(port or Fact("4000", "usual for Phoenix")) if is_phoenix else _other_port(workspace, text, port),
            default_port=4000,
            args={
                "ELIXIR_IMAGE": f"elixir:{toolchain.version.value}",
                "BUILD": builds,
                "BUILD_PACKAGES": "build-essential git"
                + (" nodejs npm" if workspace.exists("assets/package.json") else ""),
            },
            warnings=_warnings(is_phoenix, migrates),
        ),
    )


def _other_port(workspace: Workspace, text: str, configured: Fact | None) -> Fact | None:
    if not re.search(r"\{\s*:(?:plug_cowboy|bandit|cowboy|plug)\s*,", text):
        return None
    written = listening.port_in(workspace, listening.sources(workspace, ".ex", ".exs"), *_PORTS)
    return configured or written or Fact("4000", "usual for Plug")


def _warnings(is_phoenix: bool, migrates: str) -> tuple[PlanWarning, ...]:
    if not is_phoenix:
        return ()
    names = "SECRET_KEY_BASE" + (" and DATABASE_URL" if migrates else "")
    message = f"Phoenix reads {names} when it starts; without a SECRET_KEY_BASE one is made up at each start."
    return (PlanWarning("needs-a-secret", message, f"Set {names} and PHX_HOST among the run-time variables."),)
