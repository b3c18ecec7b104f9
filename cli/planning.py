"""`plan`: what would be done with a repository, and why; a local folder is planned here, without a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cli.accounts import ensure_logged_in
from cli.addresses import looks_like_folder
from cli.api import LONG_REQUEST_SECONDS, Api
from cli.failures import Failure, usage
from cli.output import Output
from cli.overrides import Overrides
from cli.terminal_text import plain
from robust_error_handler import ButlerError

PLAN_KEYS = (
    "strategy",
    "kind",
    "framework",
    "language",
    "version",
    "package_manager",
    "install",
    "build",
    "start",
    "port",
    "dockerfile",
    "services",
    "main_service",
    "evidence",
    "warnings",
    "candidates",
    "variables",
    "output",
    "overridable",
    "release",
    "processes",
    "healthcheck",
    "resources",
    "declared",
    "parts",
    "error",
)
_LISTS = ("overridable", "services", "evidence", "warnings", "candidates", "declared", "parts", "variables")
_MAPPINGS = ("processes", "resources")
_SHOWN = (
    "framework",
    "language",
    "version",
    "package_manager",
    "install",
    "build",
    "output",
    "start",
    "port",
    "main_service",
    "release",
)
_REFUSED = 422
_CANDIDATE = "candidate: "


@dataclass(frozen=True)
class Wish:
    """What `plan` was asked about: an address or a folder here."""

    address: str
    branch: str | None = None
    subdirectory: str | None = None
    overrides: Overrides = field(default_factory=Overrides)


def plan(api: Api, output: Output, wish: Wish, *, dockerfile: bool) -> None:
    """Show a plan. Raises a Failure, after showing it, for a repository that cannot be planned."""
    address = wish.address
    is_local = looks_like_folder(address)
    if is_local and wish.branch:
        raise usage("--branch goes with an address; a folder is planned as it lies there.")
    try:
        if is_local:
            found = plan_folder(wish, with_dockerfile=dockerfile)
        else:
            ensure_logged_in(api, output)
            found = _ask_server(api, wish)
    except ButlerError as error:
        if error.status != _REFUSED or not output.as_json or (isinstance(error, Failure) and error.exit_code != 1):
            raise
        output.json(no_plan(error))
        raise Failure(error.message, is_shown=True) from error
    if dockerfile:
        _show_dockerfile(output, found, address)
    elif output.as_json:
        output.json(found)
    else:
        _show(output, found, address)


def plan_folder(wish: Wish, *, with_dockerfile: bool = False) -> dict[str, Any]:
    """The plan of a folder on this machine; `with_dockerfile` puts the text of the repository's own in its place."""
    from butler_file import plan_as_dict, plan_for, read_overrides
    from dockerfile_templates.offers import offered_variables
    from workspace import check_subdirectory, open_folder

    workspace = open_folder(Path(wish.address).expanduser(), check_subdirectory(wish.subdirectory))
    found = plan_for(workspace, overrides=read_overrides(wish.overrides.text() or ""))
    answer = plan_as_dict(replace(found, variables=offered_variables(workspace)))
    if with_dockerfile and found.dockerfile_path:
        answer["dockerfile"] = workspace.read_text(found.dockerfile_path)
    return answer


def no_plan(error: ButlerError) -> dict[str, Any]:
    """The same keys as a plan's, for a repository that has none."""
    empty: dict[str, Any] = {key: [] if key in _LISTS else {} if key in _MAPPINGS else None for key in PLAN_KEYS}
    candidates = [line.removeprefix(_CANDIDATE) for line in error.lines if line.startswith(_CANDIDATE)]
    trace_id = error.trace_id if isinstance(error, Failure) else ""
    folders = [name for name in candidates if name.endswith("/") or "/ (" in name]
    kind = "monorepo" if len(folders) > 1 else "none"
    return {**empty, "kind": kind, "candidates": candidates, "error": error.as_dict(trace_id)}


def _ask_server(api: Api, wish: Wish) -> dict[str, Any]:
    wanted = {"git_url": wish.address, "branch": wish.branch, "subdirectory": wish.subdirectory}
    wanted["overrides"] = wish.overrides.text()
    sent = {name: value for name, value in wanted.items() if value}
    answer: dict[str, Any] = api.request("POST", "/api/plan", data=sent, seconds=LONG_REQUEST_SECONDS).json()
    return answer


def _show_dockerfile(output: Output, found: Mapping[str, Any], address: str) -> None:
    text = found["dockerfile"]
    if not text:
        raise Failure(f"{address} is deployed as {found['kind']}: there is no one Dockerfile to show.", "See its plan.")
    if "\n" not in text:
        raise Failure(
            f"The repository's own {text} is used; the server does not send it.",
            "Clone the repository and plan the folder, or look at the file there.",
        )
    if output.as_json:
        output.json({"dockerfile": text})
    else:
        for line in text.rstrip("\n").split("\n"):
            output.line(line)


def _show(output: Output, found: Mapping[str, Any], address: str) -> None:
    """The values, each with the place that it came from, and what may surprise."""
    from rich.text import Text

    sources = {entry["field"]: plain(entry["source"]) for entry in found["evidence"]}
    output.print(
        Text.assemble((plain(address), "bold"), " is deployed as ", (found["kind"], "bold green")), to_stdout=True
    )
    values = {name: str(found[name]) for name in _SHOWN if found.get(name) is not None}
    if found["services"]:
        values["services"] = ", ".join(found["services"])
    values |= _asked(found)
    for part in found.get("parts", []):
        values[part["name"]] = f"{part['framework'] or part['kind']} in {part['folder']}/"
    values["dockerfile"] = _dockerfile_text(found)
    rows = [
        (f"  {name.replace('_', ' ')}", value, f"from {sources[name]}" if name in sources else "")
        for name, value in values.items()
    ]
    output.grid(rows, ("dim", "", "dim"))
    for warning in found["warnings"]:
        output.say(f"! {warning['message']} {warning['remedy']}", "yellow")
    for candidate in found["candidates"]:
        output.say(f"Could be meant too: {candidate}", "dim")


def _asked(found: Mapping[str, Any]) -> dict[str, str]:
    """What a butler.yml asks for besides, in words; a server of an earlier version says nothing of it."""
    check, limits = found.get("healthcheck"), found.get("resources") or {}
    needed = [entry["name"] for entry in found.get("declared", []) if entry["required"]]
    asked = {
        "processes": ", ".join(f"{name}: {command}" for name, command in (found.get("processes") or {}).items()),
        "healthcheck": check["path"] if check else "",
        **{name: str(limits.get(name) or "") for name in ("memory", "cpus")},
        "required": ", ".join(needed),
    }
    return {name: value for name, value in asked.items() if value}


def _dockerfile_text(found: Mapping[str, Any]) -> str:
    text = found["dockerfile"]
    if not text:
        return {"compose": "none (the Compose file says how)", "monorepo": "one for each part"}.get(
            found["kind"], "none"
        )
    return "the Butler's (--dockerfile shows it)" if "\n" in text else f"{text}, the repository's own"
