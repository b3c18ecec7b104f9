"""The apps of a user: listed, looked at, their logs, cancelled, destroyed, opened."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import typer

from cli import accounts
from cli.accounts import ensure_logged_in
from cli.api import LONG_REQUEST_SECONDS, Api, deployment_path
from cli.failures import PROGRAM, ExitCode, Failure, usage
from cli.output import Output
from cli.steps import seconds_text
from cli.terminal_text import plain

STYLES = {
    "live": "green",
    "failed": "red",
    "starting": "cyan",
    "queued": "cyan",
    "stopped": "yellow",
    "replaced": "dim",
}
_MOST_SUGGESTIONS = 3


def list_apps(api: Api, output: Output) -> None:
    """All apps of the user, newest first."""
    ensure_logged_in(api, output)
    rows = api.deployments()
    if output.as_json:
        return output.json({"deployments": rows, "total": len(rows)})
    if not rows:
        return output.say(f"There is nothing here yet. Deploy something: {PROGRAM} deploy URL")
    table = [
        (row["container_name"], standing(row), row["deployed_url"] or "-", age(row["updated_at"]), _source(row))
        for row in rows
    ]
    output.table(("NAME", "STATE", "ADDRESS", "CHANGED", "REPOSITORY"), table, STYLES)


def status(api: Api, output: Output, name: str) -> None:
    """One app: what it is, where it answers, and how its newest release went."""
    ensure_logged_in(api, output)
    with suggestions(api, name):
        view = api.get(deployment_path(name)).json()
    if output.as_json:
        return output.json(view)
    commit = " ".join(part for part in ((view["commit_sha"] or "")[:10], view["commit_subject"]) if part)
    entries = [
        ("name", view["container_name"]),
        ("state", standing(view)),
        ("container", _container(view.get("app_state"))),
        ("address", view["deployed_url"] or ""),
        ("repository", view["git_url"]),
        ("branch", view["branch"] or ""),
        ("subdirectory", view["subdirectory"] or ""),
        ("commit", commit),
        ("kind", " · ".join(part for part in dict.fromkeys((view["strategy"], view["framework"])) if part)),
        ("port", str(view["container_port"] or "")),
        ("release", _release(view)),
        ("changed", age(view["updated_at"])),
        ("variables", "edited since; `redeploy` takes them" if view.get("env_pending") else ""),
        ("steps", " · ".join(f"{step['stage']} {_took(step)}" for step in view["steps"])),
    ]
    output.grid([entry for entry in entries if entry[1]], ("dim", ""))
    if view["error"]:
        error = Failure(view["error"]["message"], view["error"]["hint"], lines=tuple(view["error"]["lines"]))
        failed = "The app" if view["status"] == "failed" and view["live_release"] else f"Release {view['release']}"
        title = f"{failed} failed: {view['error']['code']}"
        output.card(title, error, [("The whole log:", f"{PROGRAM} logs {name} --build")])


def cancel(api: Api, output: Output, name: str) -> None:
    """End a deployment that is under way."""
    ensure_logged_in(api, output)
    with suggestions(api, name):
        answer = api.request("POST", deployment_path(name, "/cancel"), seconds=LONG_REQUEST_SECONDS).json()
    _tell(output, answer, f"The deployment of {name} is cancelled.")


def destroy(api: Api, output: Output, name: str, confirmed: str | None) -> None:
    """Remove an app with all that belongs to it, after its name was typed."""
    ensure_logged_in(api, output)
    with suggestions(api, name):
        view = api.get(deployment_path(name)).json()
    _confirm(output, view, confirmed)
    answer = api.request("DELETE", deployment_path(name), seconds=LONG_REQUEST_SECONDS).json()
    _tell(output, answer, f"{name} is gone.")


def open_app(api: Api, output: Output, name: str) -> None:
    """Show an app in the browser; its address is printed in every case."""
    import webbrowser

    ensure_logged_in(api, output)
    with suggestions(api, name):
        view = api.get(deployment_path(name)).json()
    if not view["deployed_url"]:
        raise Failure(f"{name} has no address: it is {standing(view)}.", f"See `{PROGRAM} status {name}`.")
    is_open = webbrowser.open(view["deployed_url"])
    if output.as_json:
        return output.json({"container_name": name, "deployed_url": view["deployed_url"], "is_open": is_open})
    output.result(view["deployed_url"])


@contextmanager
def suggestions(api: Api, name: str) -> Iterator[None]:
    """Where there is no app of this name, name the ones that are nearly called so."""
    try:
        yield
    except Failure as failure:
        if failure.exit_code is ExitCode.NOT_FOUND:
            failure.message = f"There is no deployment named {plain(name)}."
            failure.hint = _did_you_mean(name, [row["container_name"] for row in api.deployments()])
        raise


def standing(view: dict[str, Any]) -> str:
    """How an app stands, in one word for people."""
    phase, state = view["phase"], view["status"]
    if phase == "live" and view.get("error"):
        return "live (newest release failed)"
    return f"starting ({phase})" if state == "starting" and phase != "queued" else str(phase)


def _did_you_mean(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=_MOST_SUGGESTIONS, cutoff=0.6)
    near += [other for other in names if name and name in other and other not in near]
    if near:
        return f"Did you mean {' or '.join(near[:_MOST_SUGGESTIONS])}?"
    return f"See `{PROGRAM} list`." if names else f"You have none. Deploy something: {PROGRAM} deploy URL"


def _confirm(output: Output, view: dict[str, Any], confirmed: str | None) -> None:
    name = view["container_name"]
    if confirmed is None:
        if output.as_json or not accounts.is_interactive():
            raise usage(
                "destroy needs --confirm NAME where nobody can be asked.",
                f"  {PROGRAM} destroy {name} --confirm {name}",
            )
        output.say(f"This removes {name} with its containers, images, volumes and logs. It cannot be undone.", "yellow")
        confirmed = typer.prompt("Type its name to go on", err=True)
    if confirmed.strip() != name:
        raise usage(f"{plain(confirmed)!r} is not its name; nothing was removed.", f"Its name is {name}.")


def _tell(output: Output, answer: dict[str, Any], text: str) -> None:
    if output.as_json:
        output.json(answer)
    else:
        output.say(text, "green")


def _source(view: dict[str, Any]) -> str:
    url = str(view["git_url"]).removeprefix("https://").removesuffix(".git")
    return url + (f"#{view['branch']}" if view["branch"] else "")


def _release(view: dict[str, Any]) -> str:
    newest, live = view["release"], view["live_release"]
    return f"{newest}" if newest == live or live is None else f"{newest}; {live} is serving"


def _container(state: dict[str, Any] | None) -> str:
    """How its container is: since when, and how often the engine had to restart it."""
    if state is None:
        return ""
    words = [state["state"], f"since {age(state['since']).removesuffix(' ago')}" if state["since"] else ""]
    if state["restart_count"]:
        words.append(f"restarted {state['restart_count']} times by itself")
    if state["state"] == "exited":
        words.append("out of memory" if state["oom_killed"] else f"code {state['exit_code']}")
    return ", ".join(word for word in words if word)


def _took(step: dict[str, Any]) -> str:
    return seconds_text(step["seconds"]) if step["seconds"] is not None else step["state"]


def age(moment: str) -> str:
    """How long ago something was: 5 s, 3 min, 2 h, 4 d."""
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    seconds = max(0, int((datetime.now(UTC) - then.astimezone(UTC)).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
