"""Lays what is wished for the build over a detected plan: version, package manager, commands, folder, arguments."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from butler_file.reading import Wishes
from butler_file.values import declares, has_argument, has_version, managers_of, output_argument, told
from domain import Plan, PlanWarning
from workspace import Workspace
from workspace.facts import Fact

_FACTS = ("version", "package_manager")
# Installations that read no more than manifests and lockfiles, whatever their options.
_BY_MANIFESTS = re.compile(
    r"(?:npm (?:ci|install|i)|pnpm (?:install|i)|yarn(?: install)?|bun (?:install|i)|uv sync|poetry install --no-root"
    r"|(?:uv )?pip install(?: -r requirements[\w./-]*)+)(?: --?[\w.:=-]+)*"
)
_NO_STEP = "Put the step into {place}, or drop the key."


def telling(workspace: Workspace, wishes: Wishes) -> Workspace:
    """The folder with what is wished of its version and package manager, for the strategies to take into account."""
    wanted = {name: getattr(wishes.file.build, name) for name in _FACTS}
    facts = {name: Fact(value, wishes.where("build", name)) for name, value in wanted.items() if value is not None}
    return workspace.telling(**facts) if facts else workspace


def built_as_wished(plan: Plan, wishes: Wishes, workspace: Workspace) -> Plan:
    """The plan with all that is wished for its build. Raises DeploymentFailed for what cannot be followed here."""
    for step in (_version, _package_manager, _install, _command):
        plan = step(plan, wishes)
    return _args(_output(plan, wishes, workspace), wishes, workspace)


def _version(plan: Plan, wishes: Wishes) -> Plan:
    """The strategy has taken it into account; here it is seen whether that is so."""
    wanted = wishes.file.build.version
    if wanted is None:
        return plan
    source = wishes.where("build", "version")
    if not has_version(plan) or not _is_evidence(plan, "version", source):
        hint = f"Say it in {plan.dockerfile_path}, or drop the key." if plan.dockerfile_path else "Drop the key."
        raise wishes.refused(f"{_what(plan)} has no version that could be chosen", hint, "build", "version")
    unavailable = next((one for one in plan.warnings if one.code == "version-unavailable"), None)
    if unavailable is not None:
        others = re.search(r"one of ([\d., ]*\d)", unavailable.remedy)
        hint = f"Choose one of {others[1]}." if others else "Choose another one."
        raise wishes.refused(f"{plan.language} {wanted} is not offered here", hint, "build", "version")
    shown = source if plan.version == wanted else f"{source} ({wanted})"
    return told(plan, "version", plan.version, shown)


def _package_manager(plan: Plan, wishes: Wishes) -> Plan:
    wanted = wishes.file.build.package_manager
    if wanted is None:
        return plan
    source = wishes.where("build", "package_manager")
    known = managers_of(plan)
    if wanted not in known:
        hint = f"Choose one of {', '.join(known)}." if known else "Drop the key."
        raise wishes.refused(f"{_what(plan)} is not installed by {wanted}", hint, "build", "package_manager")
    if not _is_evidence(plan, "package_manager", source):
        hint = "Add the manifest that it reads, or take `packageManager` out of package.json where that names another."
        reason = f"{wanted} cannot install what is in this repository"
        raise wishes.refused(reason, hint, "build", "package_manager")
    return plan


def _install(plan: Plan, wishes: Wishes) -> Plan:
    command = wishes.file.build.install
    if command is None:
        return plan
    if not has_argument(plan, "INSTALL"):
        place = plan.dockerfile_path or "`build.command`"
        reason = f"{_what(plan)} has no install command that could be replaced"
        raise wishes.refused(reason, _NO_STEP.format(place=place), "build", "install")
    args = {**plan.build_args, "INSTALL": command}
    if has_argument(plan, "INSTALL_UNLOCKED"):
        args["INSTALL_UNLOCKED"] = ""
    if has_argument(plan, "INSTALL_FROM") and not _BY_MANIFESTS.fullmatch(command):
        args["INSTALL_FROM"] = "source"
    return told(plan, "install", command, wishes.where("build", "install"), install=command, build_args=args)


def _command(plan: Plan, wishes: Wishes) -> Plan:
    command = wishes.file.build.command
    if command is None:
        return plan
    if not has_argument(plan, "BUILD"):
        reason = f"{_what(plan)} has no build command that could be replaced"
        raise wishes.refused(reason, _NO_STEP.format(place="a Dockerfile"), "build", "command")
    args = {**plan.build_args, "BUILD": command}
    if has_argument(plan, "RUN_FROM") and plan.strategy == "node":
        args["RUN_FROM"] = "built"
    return told(plan, "build", command, wishes.where("build", "command"), build=command, build_args=args)


def _output(plan: Plan, wishes: Wishes, workspace: Workspace) -> Plan:
    if wishes.file.build.output is None:
        return plan
    output, keys = posixpath.normpath(wishes.file.build.output), ("build", "output")
    name = output_argument(plan)
    if name is None:
        hint = "Drop the key, or choose a `build.builder` that serves files, such as spa."
        raise wishes.refused(f"{_what(plan)} does not serve the files of a folder", hint, *keys)
    if output.startswith(".."):
        raise wishes.refused(f"{output} is outside the application's folder", "Name a folder of it.", *keys)
    if name == "SITE" and not workspace.is_dir(output):
        raise wishes.refused(f"there is no folder {output}", "Correct the path.", *keys)
    args = {**plan.build_args, name: output}
    if has_argument(plan, "OUTPUT_TOLD"):
        args["OUTPUT_TOLD"] = "1"
    source, start = wishes.where(*keys), f"static server on {output}/"
    return told(told(plan, "output", output, source), "start", start, source, start=start, build_args=args)


def _args(plan: Plan, wishes: Wishes, workspace: Workspace) -> Plan:
    given = wishes.file.build.args
    if not given:
        return plan
    text = plan.dockerfile or workspace.read_text(plan.dockerfile_path or "") or ""
    unknown = [name for name in given if not declares(text, name)]
    source = wishes.where("build", "args")
    warnings = [
        PlanWarning("build-arg-unused", f"{name} in {source} is no ARG of the Dockerfile.", "Correct the name.")
        for name in unknown
    ]
    used = {name: value for name, value in given.items() if name not in unknown}
    shown = ", ".join(used) or "none"
    changed = told(plan, "build_args", shown, source, build_args={**plan.build_args, **used})
    return replace(changed, warnings=(*changed.warnings, *warnings))


def _what(plan: Plan) -> str:
    return plan.dockerfile_path or f"an app of the kind {plan.kind}"


def _is_evidence(plan: Plan, field: str, source: str) -> bool:
    return any(entry.field == field and entry.source.startswith(source) for entry in plan.evidence)
