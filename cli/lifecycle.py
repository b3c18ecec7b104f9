"""What is done to an app that was deployed, and what became of its releases."""

from __future__ import annotations

from typing import Any

from cli.accounts import ensure_logged_in
from cli.api import LONG_REQUEST_SECONDS, Api, deployment_path
from cli.apps import STYLES, age, suggestions
from cli.output import Output
from cli.steps import seconds_text

_MOST_RELEASES = 50


def do(api: Api, output: Output, name: str, deed: str) -> None:
    """Stop, start or restart an app, and say what is true then; the address of one that runs is the result."""
    ensure_logged_in(api, output)
    with suggestions(api, name):
        answer = api.request("POST", deployment_path(name, f"/{deed}"), seconds=LONG_REQUEST_SECONDS).json()
    if output.as_json:
        return output.json(answer)
    output.say(f"{name}: {answer['message']}", "green" if answer["changed"] else "")
    address = answer["deployment"]["deployed_url"]
    if deed != "stop" and address:
        output.result(address)


def releases(api: Api, output: Output, name: str) -> None:
    """The newest releases of an app."""
    ensure_logged_in(api, output)
    with suggestions(api, name):
        params = {"limit": _MOST_RELEASES}
        rows = api.get(deployment_path(name, "/releases"), params=params).json()
    if output.as_json:
        return output.json({"container_name": name, "releases": rows})
    heads = ("RELEASE", "STATE", "TOOK", "BEGUN", "BY", "COMMIT")
    output.table(heads, [_row(release) for release in rows], STYLES)


def _row(release: dict[str, Any]) -> tuple[str, ...]:
    state = "live" if release["is_live"] else "failed" if release["status"] == "failed" else release["status"]
    if state == "success":
        state = "replaced"
    commit = " ".join(part for part in ((release["commit_sha"] or "")[:10], release["commit_subject"]) if part)
    took = "-" if release["seconds"] is None else seconds_text(release["seconds"])
    failure = release["error"]["message"] if release["error"] else ""
    return str(release["number"]), state, took, age(release["created_at"]), release["trigger"], commit or failure or "-"
