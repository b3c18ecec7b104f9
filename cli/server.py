"""Which server a command talks to, and with which token: flag, then environment, then the stored log-in."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from cli.credentials import SessionFile
from cli.failures import usage

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Server:
    """A server's address without a slash at its end. `token` is the one from the environment, which wins."""

    url: str
    token: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine: then no proxy is asked."""
        return urlsplit(self.url).hostname in _LOOPBACK


def find_server(flag: str | None, sessions: SessionFile) -> Server:
    """The server that is meant: `--url`, BUTLER_URL, BUTLER_PORT, the last log-in, or the default on this machine."""
    from pydantic import ValidationError

    from settings import CliSettings

    try:
        settings = CliSettings()
    except ValidationError as error:
        told = "; ".join(f"BUTLER_{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors())
        raise usage(f"{told}.", "Correct the variable, or unset it.") from None
    asked = flag or settings.url
    if not asked and "port" not in settings.model_fields_set:
        asked = sessions.current_url
    token = settings.token.get_secret_value() if settings.token else None
    return Server(checked_url(asked or f"http://127.0.0.1:{settings.port}"), token or None)


def checked_url(text: str) -> str:
    """A server's address as it is stored and compared. Raises a usage failure."""
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        is_usable = (
            parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        is_usable = False
    if not is_usable or parts.query or parts.fragment or parts.username is not None:
        raise usage(f"{text!r} is not the address of a Butler.", "It looks like http://127.0.0.1:8000.")
    return url
