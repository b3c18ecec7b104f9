"""The variables of an app: listed, set, unset, taken from a file; all of it waits for the next deployment."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from cli import accounts
from cli.accounts import ensure_logged_in
from cli.api import Api, deployment_path
from cli.apps import suggestions
from cli.failures import PROGRAM, usage
from cli.output import Output

_STYLES = {"added": "green", "changed": "yellow", "removed": "red"}


def show(api: Api, output: Output, name: str, *, reveal: bool) -> None:
    """The names, which kind each is, and what was edited; values only where they are to be revealed."""
    ensure_logged_in(api, output)
    with suggestions(api, name):
        view = api.get(deployment_path(name, "/env"), params={"reveal": "true"} if reveal else {}).json()
    if output.as_json:
        return output.json(view)
    if not view["variables"]:
        return output.say(f"{name} has no variables. Set one:  {PROGRAM} env set {name} KEY=VALUE")
    kinds = {"backend": "app", "frontend": "build"}
    rows = [(one["name"], kinds[one["kind"]], one["pending"] or "-", one["value"] or "") for one in view["variables"]]
    output.table(("NAME", "OF", "EDITED", "VALUE"), rows, _STYLES)
    _tell_pending(output, view)


def set_all(api: Api, output: Output, name: str, variables: Sequence[str], *, of_build: bool) -> None:
    """Set `KEY=VALUE`s; the value of a `KEY` alone is asked for, so that it stays out of the shell's history."""
    given = dict(_split(word) for word in variables)
    _edit(api, output, name, {"set": given}, of_build=of_build)


def unset(api: Api, output: Output, name: str, keys: Sequence[str], *, of_build: bool) -> None:
    """Leave variables out; one that is not there is fine."""
    _edit(api, output, name, {"unset": list(keys)}, of_build=of_build)


def read_file(api: Api, output: Output, name: str, file: Path, *, of_build: bool) -> None:
    """Set all that a `.env` file holds; the server reads it, and names its mistakes by their lines."""
    if str(file) == "-":
        content = sys.stdin.buffer.read()
    elif file.is_file():
        content = file.read_bytes()
    else:
        raise usage(f"There is no file {file}.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise usage(f"{file} is not UTF-8 text.", "Save it as UTF-8.") from None
    _edit(api, output, name, {"file": text}, of_build=of_build)


def _edit(api: Api, output: Output, name: str, edit: Mapping[str, Any], *, of_build: bool) -> None:
    ensure_logged_in(api, output)
    body = {"kind": "frontend" if of_build else "backend", **edit}
    with suggestions(api, name):
        view = api.request("PATCH", deployment_path(name, "/env"), json=body).json()
    if output.as_json:
        return output.json(view)
    if not view["pending"]:
        return output.say("Nothing differs from what is live.")
    _tell_pending(output, view)


def _tell_pending(output: Output, view: Mapping[str, Any]) -> None:
    edited = [one["name"] for one in view["variables"] if one["pending"]]
    if edited:
        output.say(f"Waiting for the next deployment: {', '.join(edited)}.", "yellow")
        output.command(f"{PROGRAM} redeploy {view['container_name']}", "Deploy them:")


def _split(word: str) -> tuple[str, str]:
    key, equals, value = word.partition("=")
    if equals:
        return key, value
    if not accounts.is_interactive():
        raise usage(f"{key} has no value, and nobody can be asked.", f"  {PROGRAM} env set NAME {key}=VALUE")
    return key, str(typer.prompt(f"Value of {key}", hide_input=True, err=True))
