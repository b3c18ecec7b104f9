"""The HTTP API as functions: sends requests, keeps the log-in alive, and turns every error into a Failure."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx2
import stamina

from cli.credentials import Session, SessionFile
from cli.failures import ExitCode, Failure, from_answer, not_logged_in, unreachable
from cli.server import Server
from robust_error_handler import Code

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 60.0
# What the server does while it is asked: cloning for a plan, stopping containers.
LONG_REQUEST_SECONDS = 900.0
KEY_HEADER = "Idempotency-Key"
_ATTEMPTS = 4
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 2.0
_NEVER_ARRIVED = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)
_RENEW_BEFORE_SECONDS = 60.0
_PAGE = 200

# The person is told what came of it in the end; without a handler each pause would be a line on their terminal.
logging.getLogger("stamina").addHandler(logging.NullHandler())


class _WorthAnotherTry:
    """Tells the failures of one request after which it may have arrived, and those that follow such a one."""

    def __init__(self) -> None:
        self._may_have_arrived = False

    def __call__(self, error: Exception) -> bool:
        if not isinstance(error, httpx2.RequestError) or isinstance(error, httpx2.ReadTimeout):
            return False
        self._may_have_arrived = self._may_have_arrived or not isinstance(error, _NEVER_ARRIVED)
        return self._may_have_arrived


class Api:
    """One server, as one user."""

    def __init__(self, server: Server, sessions: SessionFile, transport: httpx2.BaseTransport | None = None) -> None:
        self.server = server
        self.sessions = sessions
        self._client = httpx2.Client(
            base_url=server.url,
            timeout=httpx2.Timeout(REQUEST_SECONDS, connect=CONNECT_SECONDS),
            trust_env=not server.is_local,
            headers={"User-Agent": "butler-cli", "Accept": "application/json"},
            transport=transport,
        )

    def token(self) -> str:
        """An access token that is good for a while yet. Raises a Failure where nobody is logged in."""
        if self.server.token:
            return self.server.token
        session = self.sessions.get(self.server.url)
        if session is None:
            raise not_logged_in(self.server.url)
        is_ending = session.expires_at is not None and session.expires_at - time.time() < _RENEW_BEFORE_SECONDS
        return self.renewed_token(session.access_token) if is_ending else session.access_token

    def renewed_token(self, stale: str) -> str:
        """A token in place of one that has ended. Another command may have renewed it already; then that one."""
        if self.server.token:
            raise not_logged_in(self.server.url, "The token in BUTLER_TOKEN is not valid, or no longer.")
        with self.sessions.lock():
            session = self.sessions.get(self.server.url)
            if session is None:
                raise not_logged_in(self.server.url)
            if session.access_token != stale:
                return session.access_token
            return self._renew(session).access_token

    def get(self, path: str, **options: Any) -> httpx2.Response:
        """GET with the user's token."""
        return self.request("GET", path, **options)

    def request(self, method: str, path: str, *, seconds: float = REQUEST_SECONDS, **options: Any) -> httpx2.Response:
        """A request with the user's token, which is renewed where the server does not accept it (any more)."""
        token = self.token()
        response = self.send(method, path, token=token, seconds=seconds, **options)
        if response.status_code == 401:
            response = self.send(method, path, token=self.renewed_token(token), seconds=seconds, **options)
        return checked(response, self.server.url)

    def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        seconds: float = REQUEST_SECONDS,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> httpx2.Response:
        """A request as it is; the answer may be an error. Raises a Failure where no server answers.

        One with an Idempotency-Key is sent again where the connection failed after it may have arrived: with the same
        key the server does it once.
        """
        authorised = {**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        timeout = httpx2.Timeout(seconds, connect=CONNECT_SECONDS)
        attempts = stamina.retry_context(
            on=_WorthAnotherTry(),
            attempts=_ATTEMPTS if KEY_HEADER in authorised else 1,
            timeout=None,
            wait_initial=_FIRST_PAUSE_SECONDS,
            wait_max=_LONGEST_PAUSE_SECONDS,
        )
        try:
            for attempt in attempts:
                with attempt:
                    return self._client.request(method, path, headers=authorised, timeout=timeout, **options)
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            raise self._failure(error, seconds) from error
        raise AssertionError("stamina raises the last failure")

    def lines(self, path: str, params: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The objects of a stream of JSON lines, as they come; empty lines are signs of life."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        timeout = httpx2.Timeout(REQUEST_SECONDS, connect=CONNECT_SECONDS)
        try:
            with self._client.stream("GET", path, params=params, headers=headers, timeout=timeout) as response:
                if response.is_error:
                    response.read()
                    checked(response, self.server.url)
                for line in response.iter_lines():
                    if line:
                        yield json.loads(line)
        except httpx2.RequestError as error:
            raise unreachable(self.server.url, _reason(error), "The log goes on; ask for it again.") from error

    def start_session(self, path: str, body: Mapping[str, str]) -> Session:
        """Log in or register, and store the log-in."""
        answer = checked(self.send("POST", path, json=dict(body)), self.server.url).json()
        session = _session(self.server.url, answer)
        with self.sessions.lock():
            self.sessions.put(session, make_current=True)
        return session

    def deployments(self) -> list[dict[str, Any]]:
        """All deployments of the user, newest first."""
        return [row for page in self._pages() for row in page]

    def _pages(self) -> Iterator[list[dict[str, Any]]]:
        offset = 0
        while True:
            response = self.get("/deployments", params={"limit": _PAGE, "offset": offset})
            page: list[dict[str, Any]] = response.json()
            yield page
            offset += len(page)
            if not page or offset >= int(response.headers.get("X-Total-Count", 0)):
                return

    def _failure(self, error: Exception, seconds: float) -> Failure:
        """What to say of a request that was not answered."""
        if isinstance(error, _NEVER_ARRIVED):
            return unreachable(self.server.url, _reason(error))
        if isinstance(error, httpx2.TimeoutException):
            return Failure(
                f"{self.server.url} did not answer within {seconds:g} s.",
                "See the server's log; what it was asked for may still be going on.",
                exit_code=ExitCode.TIMEOUT,
            )
        return unreachable(self.server.url, _reason(error), "See the server's log.")

    def _renew(self, session: Session) -> Session:
        """Use the renewal token, which works once. The caller holds the lock."""
        has_ended = not_logged_in(self.server.url, f"Your log-in to {self.server.url} has ended.")
        if session.refresh_token is None:
            raise has_ended
        response = self.send("POST", "/api/auth/refresh", json={"refresh_token": session.refresh_token})
        if response.status_code == 401:
            self.sessions.remove(self.server.url)
            raise has_ended
        renewed = _session(self.server.url, checked(response, self.server.url).json())
        self.sessions.put(renewed)
        return renewed


def deployment_path(name: str, part: str = "") -> str:
    """Where a deployment is in the API. A name is typed by people: it must not lead to another address."""
    if not name.strip("."):
        raise Failure(f"{name!r} is not a name.", code=Code.NOT_FOUND, exit_code=ExitCode.NOT_FOUND)
    return f"/deployments/{quote(name, safe='')}{part}"


def checked(response: httpx2.Response, url: str) -> httpx2.Response:
    """The answer, if it is a good one of a Butler. Raises a Failure."""
    if response.is_redirect:
        place = response.headers.get("location", "elsewhere")
        raise unreachable(url, f"it leads to {place}", "Set BUTLER_URL to the address that it leads to.")
    is_json = "json" in response.headers.get("content-type", "")
    if response.is_error:
        raise from_answer(response.status_code, response.json() if is_json else None)
    if response.content and not is_json and "text/plain" not in response.headers.get("content-type", ""):
        raise unreachable(url, "what answers there is something else", "Set BUTLER_URL to the Butler's address.")
    return response


def _session(url: str, answer: Mapping[str, Any]) -> Session:
    return Session(
        url=url,
        username=answer["user"]["username"],
        access_token=answer["access_token"],
        refresh_token=answer["refresh_token"],
        expires_at=time.time() + float(answer["expires_in"]),
    )


def _reason(error: Exception) -> str:
    text = str(error).strip()
    if "refused" in text.lower():
        return "connection refused"
    return text or type(error).__name__
