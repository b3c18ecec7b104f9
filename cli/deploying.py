"""`deploy`: asks for a deployment, shows its steps until it has ended, and says where it answers or what failed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from cli.accounts import ensure_logged_in
from cli.addresses import Source, source_of
from cli.api import KEY_HEADER, Api, deployment_path
from cli.apps import suggestions
from cli.failures import PROGRAM, ExitCode, Failure, from_answer
from cli.live import Follower, LogEvent
from cli.output import Output
from cli.overrides import Overrides
from cli.steps import seconds_text, steps_view
from robust_error_handler import Code


@dataclass(frozen=True)
class Wish:
    """What `deploy` was asked for."""

    address: str
    branch: str | None = None
    subdirectory: str | None = None
    name: str | None = None
    backend_env: Path | None = None
    frontend_env: Path | None = None
    overrides: Overrides = field(default_factory=Overrides)
    is_detached: bool = False
    timeout_seconds: float | None = None
    is_verbose: bool = False


def deploy(api: Api, output: Output, wish: Wish) -> None:
    """Deploy a repository. Raises a Failure, after showing it, where the deployment fails."""
    source = source_of(wish.address, wish.subdirectory)
    ensure_logged_in(api, output)
    began = time.monotonic()
    started = _start(api, output, wish, source)
    _until_it_has_ended(api, output, wish, started, source.git_url, began)


def redeploy(
    api: Api, output: Output, name: str, *, is_detached: bool, timeout_seconds: float | None, is_verbose: bool
) -> None:
    """Deploy an app again as it is on record. Raises a Failure, after showing it, where the deployment fails."""
    ensure_logged_in(api, output)
    began = time.monotonic()
    with suggestions(api, name):
        started: dict[str, Any] = api.request("POST", deployment_path(name, "/redeploy"), headers=_headers()).json()
    address = str(started["deployment"]["git_url"])
    wish = Wish(address, name=name, is_detached=is_detached, timeout_seconds=timeout_seconds, is_verbose=is_verbose)
    _until_it_has_ended(api, output, wish, started, address, began)


def _until_it_has_ended(
    api: Api, output: Output, wish: Wish, started: dict[str, Any], address: str, began: float
) -> None:
    name, number = str(started["container_name"]), int(started["release"])
    if wish.is_detached:
        return _tell_detached(output, started)
    output.say(f"Deploying {address} as {name}" + (f" (release {number})" if number > 1 else ""), "bold")
    with _told_when_left(name):
        last = _follow(api, output, wish, name, number)
    view = api.get(deployment_path(name)).json()
    if failure := _failure_of(last, view, number):
        raise _shown(output, failure, wish, view)
    _tell_success(output, wish, started, view, last, time.monotonic() - began)


def _start(api: Api, output: Output, wish: Wish, source: Source) -> dict[str, Any]:
    wanted = {"branch": wish.branch, "subdirectory": source.subdirectory, "name": wish.name}
    data = {"git_url": source.git_url, **{field: value for field, value in wanted.items() if value}}
    overrides = wish.overrides.text()
    if overrides is not None:
        data["overrides"] = overrides
    files = {
        field: (f"{field}.env", path.read_bytes())
        for field, path in (("backend_env", wish.backend_env), ("frontend_env", wish.frontend_env))
        if path is not None
    }
    if source.folder:
        output.say(f"The newest commit of {source.folder} is deployed; what is not committed is left out.", "dim")
    try:
        with suggestions(api, wish.name or ""):
            response = api.request("POST", "/deploy", data=data, files=files or None, headers=_headers())
    except Failure as failure:
        if source.folder and failure.code is Code.INVALID_REQUEST:
            hint = (
                f"Start it so that it may: BUTLER_ALLOW_LOCAL_REPOSITORIES=true {PROGRAM} serve. Or push the repository"
            )
            failure.hint = f"{failure.hint} {hint} to a Git host and deploy its address."
        raise
    started: dict[str, Any] = response.json()
    return started


def _headers() -> dict[str, str]:
    """The answer is wanted at once; the key lets the request be sent again where the network failed."""
    return {"Prefer": "respond-async", KEY_HEADER: str(uuid4())}


def _follow(api: Api, output: Output, wish: Wish, name: str, number: int) -> LogEvent | None:
    """Show the release's events; the last one that tells how it ended."""
    deadline = None if wish.timeout_seconds is None else time.monotonic() + wish.timeout_seconds
    told: LogEvent | None = None
    with steps_view(output, with_lines=wish.is_verbose) as view:
        for event in Follower(api, name, number, deadline=deadline).events():
            view.show(event)
            if event["kind"] in ("failure", "done"):
                told = event
    return told


@contextmanager
def _told_when_left(name: str) -> Iterator[None]:
    """Say that the deployment goes on where the command ends before it."""
    goes_on = f"It goes on.\n  Follow it:  {PROGRAM} logs {name} --build -f\n  Cancel it:  {PROGRAM} cancel {name}"
    facts = {"container_name": name}
    try:
        yield
    except KeyboardInterrupt:
        raise Failure(
            f"Detached from {name}.", goes_on, Code.INTERRUPTED, exit_code=ExitCode.INTERRUPTED, facts=facts
        ) from None
    except Failure as failure:
        if failure.exit_code is ExitCode.TIMEOUT:
            message = f"{name} was not deployed within --timeout."
            raise replace(failure, message=message, hint=goes_on, facts=facts) from None
        failure.facts = {**facts, **failure.facts}
        raise


def _failure_of(last: LogEvent | None, view: dict[str, Any], number: int) -> Failure | None:
    """What the release failed of, by its log, or by its record where the log does not tell."""
    if last is not None:
        return from_answer(422, {"error": last["detail"]}) if last["kind"] == "failure" else None
    if view.get("release") == number and view.get("error"):
        return from_answer(422, {"error": {**view["error"], "trace_id": view.get("trace_id", "")}})
    if view.get("live_release") == number:
        return None
    return Failure("The deployment ended without a word.", "See the server's log.", Code.INTERRUPTED)


def _shown(output: Output, failure: Failure, wish: Wish, view: dict[str, Any]) -> Failure:
    """The failure, shown as a card; as JSON it is printed by whoever catches it."""
    name = view["container_name"]
    failure.facts = {"container_name": name, "status": "failed", "deployment": view}
    if not output.as_json:
        variables = " --backend-env FILE" if failure.code is Code.MISSING_VARIABLE else ""
        commands = [
            ("The whole log:", f"{PROGRAM} logs {name} --build"),
            ("Deploy it again:", f"{PROGRAM} deploy {wish.address} --name {name}{variables}"),
        ]
        if view.get("live_release"):
            commands.append(("Still serving:", f"{view['deployed_url']} (release {view['live_release']})"))
        output.card(f"Deployment failed: {failure.code}", failure, commands)
        failure.is_shown = True
    return failure


def _tell_detached(output: Output, started: dict[str, Any]) -> None:
    name = started["container_name"]
    if output.as_json:
        return output.json(started)
    output.result(name)
    output.command(f"{PROGRAM} logs {name} --build -f", "Follow it:")


def _tell_success(
    output: Output,
    wish: Wish,
    started: dict[str, Any],
    view: dict[str, Any],
    last: LogEvent | None,
    seconds: float,
) -> None:
    """The address on standard output, and only that; a worker has none."""
    url = (last or {}).get("detail", {}).get("url") or view.get("deployed_url")
    name = started["container_name"]
    if output.as_json:
        kept = {key: started[key] for key in ("container_name", "trace_id", "release", "release_id")}
        return output.json(
            {"deployed_url": url, "status": "success", **kept, "seconds": round(seconds, 2), "deployment": view}
        )
    output.say(f"{name} is live after {seconds_text(seconds)}.", "bold green")
    if wish.name is None:
        output.command(f"{PROGRAM} deploy {wish.address} --name {name}", "Deploy it again:")
    if url:
        output.result(url)
