"""How often something may be tried: counted in memory, per account, per address and per user."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection

from database.users import fold
from robust_error_handler import RateLimited
from settings import Settings

_MINUTE, _HOUR = 60.0, 3600.0
FAILURES_PER_HOUR_AND_ACCOUNT = 100
ADDRESS_FACTOR = 6
"""One address may try this many times what one account allows: an office shares one."""


@dataclass
class _Window:
    """How often each key was tried within the last `seconds`; `most` tries fit. Callable from any thread."""

    most: int
    seconds: float
    _tries: dict[str, deque[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _swept_at: float = field(default_factory=lambda: time.monotonic())

    def wait(self, key: str) -> float:
        """Count a try: 0 where it fits, otherwise the seconds until one does (and it is not counted)."""
        with self._lock:
            now = time.monotonic()
            self._sweep(now)
            tries = self._tries.setdefault(key, deque())
            while tries and tries[0] <= now - self.seconds:
                tries.popleft()
            if len(tries) >= self.most:
                return tries[0] + self.seconds - now
            tries.append(now)
            return 0

    def forget(self, key: str) -> None:
        """Begin anew for a key."""
        with self._lock:
            self._tries.pop(key, None)

    def _sweep(self, now: float) -> None:
        """Drop keys whose tries are all over, once in a while: strangers choose the keys."""
        if now - self._swept_at >= self.seconds:
            self._swept_at = now
            self._tries = {key: tries for key, tries in self._tries.items() if tries[-1] > now - self.seconds}


def peer_of(connection: HTTPConnection) -> str:
    """The address that a request came from: the connection's own, never what a header claims.

    An IPv6 customer has a whole /64, which counts as one.
    """
    host = connection.client.host if connection.client else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else host


class RateLimits:
    """The counters of one Butler; they start anew with it."""

    def __init__(self, settings: Settings) -> None:
        attempts = settings.login_attempts_per_minute
        self._by_address = _Window(attempts * ADDRESS_FACTOR, _MINUTE)
        self._by_both = _Window(attempts, _MINUTE)
        self._by_account = _Window(FAILURES_PER_HOUR_AND_ACCOUNT, _HOUR)
        self._passwords = _Window(attempts, _MINUTE)
        self._registrations = _Window(settings.registrations_per_hour, _HOUR)
        self._deploys = _Window(settings.deploys_per_minute, _MINUTE)

    def login(self, account: str, peer: str) -> None:
        """Count a log-in before its password is looked at; raises RateLimited when there were too many."""
        name = _short(account)
        for window, key in ((self._by_address, peer), (self._by_both, f"{name} {peer}"), (self._by_account, name)):
            _take(window, key, "log-ins")

    def login_succeeded(self, account: str, peer: str) -> None:
        """Forget the attempts at an account that its owner has now entered."""
        name = _short(account)
        self._by_both.forget(f"{name} {peer}")
        self._by_account.forget(name)

    def registration(self, peer: str) -> None:
        """Count a registration."""
        _take(self._registrations, peer, "registrations")

    def password(self, user_id: int) -> None:
        """Count an attempt to prove the current password."""
        _take(self._passwords, str(user_id), "attempts")

    def password_proved(self, user_id: int) -> None:
        """Forget the attempts to prove a password that was right in the end."""
        self._passwords.forget(str(user_id))

    def deploy(self, user_id: int) -> None:
        """Count a deployment that a user asks for."""
        _take(self._deploys, str(user_id), "deployments")


def _take(window: _Window, key: str, what: str) -> None:
    if wait := window.wait(key):
        raise RateLimited(f"There were too many {what} in a short time.", max(1, math.ceil(wait)))


def _short(account: str) -> str:
    return hashlib.sha256(fold(account).encode("utf-8", "replace")).hexdigest()[:32]
