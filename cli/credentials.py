"""The log-ins that are stored on this machine: one file that only its owner can read, changed under a lock."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cli.failures import Failure

APPLICATION = "devops-butler"
_LOCK_SECONDS = 30.0
_LOCK_PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Session:
    """A log-in to one server. `expires_at` is when the access token ends, in seconds since 1970."""

    url: str
    username: str
    access_token: str
    refresh_token: str | None = None
    expires_at: float | None = None


class SessionFile:
    """The stored log-ins by server, and which server was logged in to last."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or _default_folder()
        self.path = self._folder / "sessions.json"

    @property
    def current_url(self) -> str | None:
        """The server that was logged in to last."""
        current = self._read().get("current")
        return current if isinstance(current, str) else None

    def get(self, url: str) -> Session | None:
        """The log-in to a server."""
        stored = self._read().get("servers", {}).get(url)
        try:
            return Session(url=url, **stored) if isinstance(stored, dict) else None
        except TypeError:  # written by another version
            return None

    def put(self, session: Session, *, make_current: bool = False) -> None:
        """Store a log-in in place of any earlier one. The caller holds the lock."""
        content = self._read()
        entry = asdict(session)
        content.setdefault("servers", {})[entry.pop("url")] = entry
        if make_current:
            content["current"] = session.url
        self._write(content)

    def remove(self, url: str) -> None:
        """Forget a log-in. The caller holds the lock."""
        content = self._read()
        content.get("servers", {}).pop(url, None)
        if content.get("current") == url:
            del content["current"]
        self._write(content)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One at a time: a renewal token works once, so two commands must not use the same one."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / "sessions.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._acquire(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _acquire(self, descriptor: int) -> None:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Failure(
                        f"Waited {_LOCK_SECONDS:g} s for another command that renews the log-in.",
                        f"See which one hangs; it holds {self._folder / 'sessions.lock'}.",
                    ) from None
                time.sleep(_LOCK_PAUSE_SECONDS)

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _write(self, content: dict[str, Any]) -> None:
        """Replace the file in one go; it is never readable by others, not even for a moment."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"schema": 1, **content}, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)


def _default_folder() -> Path:
    from platformdirs import user_config_path

    return user_config_path(APPLICATION, appauthor=False)
