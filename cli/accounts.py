"""Logging in and out: prompts for people, streams for programs."""

from __future__ import annotations

import getpass
import json
import sys
from typing import Any

import typer

from cli.api import Api, checked
from cli.credentials import Session
from cli.failures import Failure, not_logged_in, unreachable, usage
from cli.output import Output


def log_in(api: Api, output: Output, *, username: str | None, password_from_stdin: bool) -> None:
    """Log in with a name and a password that is typed or read from standard input."""
    if password_from_stdin:
        if not username:
            raise usage("--password-stdin needs --username.")
        password = sys.stdin.readline().rstrip("\r\n")
        session = _start(api, username, password, email=None, register=False)
    else:
        if not is_interactive():
            raise usage("There is no terminal to ask on.", "Use --username NAME --password-stdin, or --token-stdin.")
        session = ask_and_start(api, username=username)
    _tell(output, session)


def register(api: Api, output: Output, *, username: str | None, email: str | None, password_from_stdin: bool) -> None:
    """Make an account and log in."""
    if password_from_stdin:
        if not username or not email:
            raise usage("--password-stdin needs --username and --email.")
        session = _start(api, username, sys.stdin.readline().rstrip("\r\n"), email=email, register=True)
    else:
        if not is_interactive():
            raise usage("There is no terminal to ask on.", "Use --username, --email and --password-stdin.")
        session = ask_and_start(api, username=username, email=email, register=True)
    _tell(output, session)


def log_in_with_token(api: Api, output: Output) -> None:
    """Store a token from standard input: an access token, or the JSON that the API's log-in answers with."""
    text = sys.stdin.read().strip()
    if not text:
        raise usage("--token-stdin: standard input is empty.")
    access, renewal = _tokens(text)
    response = api.send("GET", "/api/auth/me", token=access)
    if response.status_code == 401:
        raise not_logged_in(api.server.url, "The server does not accept this token.")
    name = checked(response, api.server.url).json()["username"]
    session = Session(api.server.url, name, access, renewal, expires_at=None)
    with api.sessions.lock():
        api.sessions.put(session, make_current=True)
    _tell(output, session)


def log_out(api: Api, output: Output) -> None:
    """End the session on the server, and forget it here in every case."""
    url = api.server.url
    session = api.sessions.get(url)
    if session is not None:
        try:
            token = api.token()
            api.send("POST", "/api/auth/logout", token=token)
        except Failure as failure:
            output.say(f"The server could not be told: {failure.message}", "yellow")
        with api.sessions.lock():
            api.sessions.remove(url)
    if output.as_json:
        output.json({"url": url, "was_logged_in": session is not None})
    else:
        output.say(f"Logged out of {url}." if session else f"You were not logged in to {url}.")


def who_am_i(api: Api, output: Output) -> None:
    """The user, and the server."""
    user: dict[str, Any] = api.get("/api/auth/me").json()
    if output.as_json:
        output.json({"url": api.server.url, "user": user})
        return
    output.result(user["username"])
    output.say(f"{user['email']} on {api.server.url}", "dim")


def ensure_logged_in(api: Api, output: Output) -> None:
    """Have a token; where there is none and somebody can answer, offer to log in or to register at once."""
    if api.server.token or api.sessions.get(api.server.url):
        return
    check_server(api)
    if output.as_json or not is_interactive():
        raise not_logged_in(api.server.url)
    output.say(f"You are not logged in to {api.server.url}.")
    answer = typer.prompt("[L]og in, [r]egister a new account, or [q]uit?", default="l", err=True).strip().lower()
    if answer[:1] not in ("l", "r"):
        raise not_logged_in(api.server.url)
    _tell(output, ask_and_start(api, register=answer[:1] == "r"))


def check_server(api: Api) -> None:
    """Raises a Failure where no Butler answers."""
    response = api.send("GET", "/api/auth/me")
    if response.status_code != 401:
        checked(response, api.server.url)
        raise unreachable(api.server.url, "what answers there is something else", "Set BUTLER_URL.")


def ask_and_start(
    api: Api, *, username: str | None = None, email: str | None = None, register: bool = False
) -> Session:
    """Ask for what is missing, and log in or register."""
    if register:
        username = username or typer.prompt("User name", err=True)
        email = email or typer.prompt("E-mail address", err=True)
        password = getpass.getpass("Password (8 characters or more): ", stream=sys.stderr)
        if getpass.getpass("Password again: ", stream=sys.stderr) != password:
            raise usage("The two passwords differ.", "Try again.")
    else:
        username = username or typer.prompt("User name or e-mail address", err=True)
        password = getpass.getpass("Password: ", stream=sys.stderr)
    return _start(api, str(username), password, email=email, register=register)


def is_interactive() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _start(api: Api, username: str, password: str, *, email: str | None, register: bool) -> Session:
    if register:
        return api.start_session(
            "/api/auth/register", {"username": username, "email": email or "", "password": password}
        )
    return api.start_session("/api/auth/login", {"username": username, "password": password})


def _tokens(text: str) -> tuple[str, str | None]:
    if not text.startswith("{"):
        return text, None
    try:
        answer = json.loads(text)
        return str(answer["access_token"]), answer.get("refresh_token")
    except (ValueError, KeyError) as error:
        raise usage("--token-stdin: this JSON has no `access_token`.") from error


def _tell(output: Output, session: Session) -> None:
    if output.as_json:
        output.json({"url": session.url, "username": session.username, "expires_at": session.expires_at})
    else:
        output.say(f"Logged in to {session.url} as {session.username}.", "green")
