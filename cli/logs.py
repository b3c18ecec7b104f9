"""`logs`: what a deployment did, or what its app wrote, once or as it comes."""

from __future__ import annotations

from collections import deque
from typing import Any

from cli.accounts import ensure_logged_in
from cli.api import Api, deployment_path
from cli.apps import suggestions
from cli.live import Follower
from cli.output import Output
from cli.steps import event_line

_PAGE = 5_000
_APP_LINES = 1_000


def logs(
    api: Api, output: Output, name: str, *, of_build: bool | None, follow: bool, lines: int | None, release: int | None
) -> None:
    """Print a log. Where it is not said which: the app's own if it is live, its deployment's otherwise."""
    ensure_logged_in(api, output)
    with suggestions(api, name):
        view = api.get(deployment_path(name)).json()
    if of_build is None:
        of_build = release is not None or view["phase"] != "live"
        other = "--app shows what the app writes" if of_build else "--build shows the deployment's"
        output.say(f"The {'deployment' if of_build else 'app'}'s log; {other}.", "dim")
    if of_build:
        _build_log(api, output, name, follow=follow, lines=lines, release=release)
    else:
        _app_log(api, output, name, follow=follow, lines=lines)


def _build_log(api: Api, output: Output, name: str, *, follow: bool, lines: int | None, release: int | None) -> None:
    number, events, is_closed = _stored(api, name, lines, release)
    if output.as_json and not follow:
        shown = {"container_name": name, "source": "deploy", "release": number, "closed": is_closed}
        return output.json({**shown, "lines": list(events)})
    for event in events:
        _print_event(output, event)
    if follow and not is_closed:
        last = events[-1]["seq"] if events else 0
        for event in Follower(api, name, number, last=last).events():
            _print_event(output, event)


def _stored(
    api: Api, name: str, lines: int | None, release: int | None
) -> tuple[int | None, deque[dict[str, Any]], bool]:
    """What is in a release's log by now, its last lines only where a number of them is given."""
    events: deque[dict[str, Any]] = deque(maxlen=lines)
    params: dict[str, Any] = {"limit": _PAGE, "after": 0, **({"release": release} if release else {})}
    while True:
        piece = api.get(deployment_path(name, "/logs"), params=params).json()
        events.extend(piece["lines"])
        if piece["closed"] or len(piece["lines"]) < _PAGE:
            return piece["release"], events, piece["closed"]
        params = {**params, "after": piece["next"], "release": piece["release"]}


def _print_event(output: Output, event: dict[str, Any]) -> None:
    if output.as_json:
        output.json_line(event)
    else:
        output.line(event_line(event))


def _app_log(api: Api, output: Output, name: str, *, follow: bool, lines: int | None) -> None:
    if follow:
        params = {"tail": min(lines if lines is not None else _APP_LINES, _PAGE)}
        for entry in api.lines(deployment_path(name, "/logs/live"), params):
            _print_text(output, f"{entry['service']} | {entry['text']}" if entry["service"] else entry["text"])
        return output.say("The app's containers have ended.", "dim")
    texts = _app_lines(api, name, min(lines or _APP_LINES, _PAGE))
    if output.as_json:
        return output.json({"container_name": name, "source": "app", "release": None, "lines": texts})
    for text in texts if lines is None else texts[-lines:]:
        _print_text(output, text)


def _app_lines(api: Api, name: str, window: int) -> list[str]:
    piece = api.get(deployment_path(name, "/logs"), params={"source": "app", "limit": window}).json()
    return [str(line["text"]) for line in piece["lines"]]


def _print_text(output: Output, text: str) -> None:
    if output.as_json:
        output.json_line({"source": "app", "text": text})
    else:
        output.line(text)
