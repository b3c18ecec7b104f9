"""How often something may be tried: counted in memory, per account, per address and per user."""

from __future__ import annotations

import hashlib
import ipaddress
import math
import time

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection

from database.users import fold
from robust_error_handler import RateLimited
from settings import Settings

FAILURES_PER_HOUR_AND_ACCOUNT = 100
ADDRESS_FACTOR = 6
"""One address may try this many times what one account allows: an office shares one."""


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
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._by_address = RateLimitItemPerMinute(attempts * ADDRESS_FACTOR, namespace="login-address")
        self._by_both = RateLimitItemPerMinute(attempts, namespace="login-account-address")
        self._by_account = RateLimitItemPerHour(FAILURES_PER_HOUR_AND_ACCOUNT, namespace="login-account")
        self._passwords = RateLimitItemPerMinute(attempts, namespace="password")
        self._registrations = RateLimitItemPerHour(settings.registrations_per_hour, namespace="register")
        self._deploys = RateLimitItemPerMinute(settings.deploys_per_minute, namespace="deploy")

    def login(self, account: str, peer: str) -> None:
        """Count a log-in before its password is looked at; raises RateLimited when there were too many."""
        name = _short(account)
        for item, key in ((self._by_address, peer), (self._by_both, f"{name} {peer}"), (self._by_account, name)):
            self._take(item, key, "log-ins")

    def login_succeeded(self, account: str, peer: str) -> None:
        """Forget the attempts at an account that its owner has now entered."""
        name = _short(account)
        self._limiter.clear(self._by_both, f"{name} {peer}")
        self._limiter.clear(self._by_account, name)

    def registration(self, peer: str) -> None:
        """Count a registration."""
        self._take(self._registrations, peer, "registrations")

    def password(self, user_id: int) -> None:
        """Count an attempt to prove the current password."""
        self._take(self._passwords, str(user_id), "attempts")

    def password_proved(self, user_id: int) -> None:
        """Forget the attempts to prove a password that was right in the end."""
        self._limiter.clear(self._passwords, str(user_id))

    def deploy(self, user_id: int) -> None:
        """Count a deployment that a user asks for."""
        self._take(self._deploys, str(user_id), "deployments")

    def _take(self, item: RateLimitItem, key: str, what: str) -> None:
        if not self._limiter.hit(item, key):
            free_at = self._limiter.get_window_stats(item, key).reset_time
            raise RateLimited(f"There were too many {what} in a short time.", max(1, math.ceil(free_at - time.time())))


def _short(account: str) -> str:
    return hashlib.sha256(fold(account).encode("utf-8", "replace")).hexdigest()[:32]
