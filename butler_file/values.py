"""Changing one value of a plan together with its reason, and asking what a plan can take."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from domain import Evidence, Kind, Plan

# package managers of a language, as far as one can be chosen
MANAGERS = {
    "node": ("npm", "yarn", "pnpm", "bun"),
    "bun": ("npm", "yarn", "pnpm", "bun"),
    "python": ("pip", "uv", "poetry", "pipenv", "pdm"),
}


def told(plan: Plan, field: str, value: object, source: str, **changes: Any) -> Plan:
    """The plan with changed values and one reason for them, in place of what was the reason before."""
    others = tuple(entry for entry in plan.evidence if entry.field != field)
    return replace(plan, evidence=(*others, Evidence(field, str(value), source)), **changes)


def has_argument(plan: Plan, name: str) -> bool:
    """Whether the Dockerfile that we wrote takes an argument of this name."""
    return plan.dockerfile is not None and declares(plan.dockerfile, name)


def declares(dockerfile: str, name: str) -> bool:
    """Whether a Dockerfile has an ARG of this name."""
    return re.search(rf"^\s*ARG\s+(?:.*\s)?{re.escape(name)}\b", dockerfile, re.MULTILINE | re.IGNORECASE) is not None


def has_version(plan: Plan) -> bool:
    """Whether the version of the language is ours to choose."""
    return plan.dockerfile is not None and plan.version is not None


def managers_of(plan: Plan) -> tuple[str, ...]:
    """The package managers that the plan's installation could be made with; none where that is fixed."""
    return MANAGERS.get(plan.language or "", ()) if plan.dockerfile is not None and plan.package_manager else ()


def output_argument(plan: Plan) -> str | None:
    """The Dockerfile's argument that names the folder whose files are served."""
    return next((name for name in ("OUTPUT", "SITE") if has_argument(plan, name)), None)


def output_of(plan: Plan) -> str | None:
    """The folder whose files are served, where that is what the app is."""
    name = output_argument(plan)
    return plan.build_args.get(name) if name else None


def overridable(plan: Plan) -> tuple[str, ...]:
    """The keys of butler.yml that can be followed in this plan, dotted; sections are named as a whole."""
    choices = {"env": True, "build.root": True, "build.builder": True, "build.dockerfile": True}
    is_single = not plan.parts and plan.kind is not Kind.COMPOSE
    choices |= {
        "build.context": plan.dockerfile_path is not None,
        "build.version": is_single and has_version(plan),
        "build.package_manager": is_single and bool(managers_of(plan)),
        "build.install": is_single and has_argument(plan, "INSTALL"),
        "build.command": is_single and has_argument(plan, "BUILD"),
        "build.output": is_single and output_argument(plan) is not None,
        "build.args": is_single,
        "run.command": is_single,
        "run.port": not plan.parts,
        "run.service": plan.kind is Kind.COMPOSE,
        "run.processes": is_single,
        "release": is_single,
        "healthcheck": not plan.parts,
        "resources": is_single,
    }
    return tuple(key for key, is_followed in choices.items() if is_followed)
