"""What it means when GitHub does not answer with what was asked for, in words a person can act on.

None of it is a 401: that is about the user's session here, and would log them out.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from robust_error_handler import ButlerError, Code, NotFound, RateLimited

LONGEST_WAIT_SECONDS = 3600
_USUAL_WAIT_SECONDS = 60
_WITH_TOKEN = "Store a new one in your account."  # noqa: S105  advice, not a token
_NEEDS = "Make one with the scope `repo`, or a fine-grained one that may read the contents of the repositories."


def refusal(status: int, headers: Mapping[str, str], said: str, what: str) -> ButlerError:
    """The error for an answer that is not a success. `what` names what was asked for, `said` is GitHub's own message."""
    if status == 401:
        return ButlerError(
            "GitHub does not accept your stored token: it has expired or was revoked.",
            f"{_WITH_TOKEN} {_NEEDS}",
            Code.GITHUB_TOKEN_REFUSED,
            403,
        )
    if status == 429 or (status == 403 and is_rate_limit(headers, said)):
        return RateLimited("GitHub allows your token no more requests at the moment.", wait_seconds(headers))
    if status == 403:
        return ButlerError(f"GitHub does not let your token see {what}.", _why(headers), Code.GITHUB_FORBIDDEN, 403)
    if status == 404:
        return NotFound(
            f"GitHub has no {what}, or your token cannot see it.", _lacks_repo(headers) or "Check the name."
        )
    return unavailable(f"GitHub answered with the status {status}.")


def token_missing() -> ButlerError:
    """The error where no token is stored."""
    return ButlerError(
        "You have stored no GitHub token.", f"Store one in your account. {_NEEDS}", Code.GITHUB_TOKEN_MISSING, 403
    )


def unavailable(message: str) -> ButlerError:
    """The error where GitHub does not answer as it should."""
    hint = "Try again in a moment; a repository can be deployed by its address meanwhile."
    return ButlerError(message, hint, Code.GITHUB_UNAVAILABLE, 503)


def scopes_of(headers: Mapping[str, str]) -> frozenset[str] | None:
    """The scopes of a classic token; None for a fine-grained one, of which GitHub does not tell."""
    told = headers.get("x-oauth-scopes")
    return None if told is None else frozenset(part.strip() for part in told.split(",") if part.strip())


def is_rate_limit(headers: Mapping[str, str], said: str) -> bool:
    """Whether a 403 is about too many requests (the primary limit, or one of the secondary ones)."""
    return headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers or "rate limit" in said.lower()


def wait_seconds(headers: Mapping[str, str]) -> int:
    """How long GitHub wants to be left alone."""
    after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    seconds = _USUAL_WAIT_SECONDS
    if after.isascii() and after.isdigit():
        seconds = int(after)
    elif reset.isascii() and reset.isdigit():
        seconds = int(reset) - int(time.time()) + 1
    return min(max(seconds, 1), LONGEST_WAIT_SECONDS)


def _why(headers: Mapping[str, str]) -> str:
    if "x-github-sso" in headers:
        found = re.search(r"/orgs/([A-Za-z0-9_-]+)/", headers["x-github-sso"])
        organisation = f"the organisation {found[1]}" if found else "its organisation"
        return f"Authorise the token for single sign-on of {organisation}, on GitHub's page of tokens."
    return _lacks_repo(headers) or f"The organisation's rules may forbid it, or the token may do too little. {_NEEDS}"


def _lacks_repo(headers: Mapping[str, str]) -> str:
    scopes = scopes_of(headers)
    if scopes is None or "repo" in scopes:
        return ""
    return f"Your token has not the scope `repo`, which private repositories need. {_WITH_TOKEN}"
