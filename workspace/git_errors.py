"""What git's complaints mean: one table from its words to a cause, a remedy, and whether another try may help."""

from __future__ import annotations

import re
from dataclasses import dataclass

from robust_error_handler import Code, CommandFailed, CommandTimedOut, DeploymentFailed

SHOWN_LINES = 8


class TransientFailure(DeploymentFailed):
    """The network's fault, as far as can be told: worth another try."""


class Redirected(DeploymentFailed):
    """The server answered that the repository lives elsewhere; git itself never follows."""


class AccessDenied(DeploymentFailed):
    """The repository is private, or is not there: servers do not tell strangers which."""


@dataclass(frozen=True)
class _Cause:
    pattern: re.Pattern[str]
    code: Code
    message: str
    hint: str
    error: type[DeploymentFailed] = DeploymentFailed


def _cause(
    pattern: str, code: Code, message: str, hint: str, error: type[DeploymentFailed] = DeploymentFailed
) -> _Cause:
    return _Cause(re.compile(pattern, re.IGNORECASE), code, message, hint, error)


# Order is meaning: what names its cause stands before what git says of many.
_CAUSES = (
    _cause(
        r"no space left on device|disk quota exceeded",
        Code.DISK_FULL,
        "The server's disk is full.",
        "Remove apps that are no longer needed, or free space on the server, then deploy again.",
    ),
    _cause(
        r"died of signal 25|file too large|exceeds maximum allowed size|pack exceeds",
        Code.REPOSITORY_TOO_LARGE,
        "The repository is larger than this server accepts.",
        "Take large files out of the repository; the operator can raise BUTLER_MAX_REPOSITORY_MB.",
    ),
    _cause(
        r"remote branch .* not found|couldn't find remote ref",
        Code.BRANCH_MISSING,
        "The repository has no such branch.",
        "Correct the branch, or leave it empty for the default branch.",
    ),
    _cause(
        r"returned error: 30\d|unable to update url base from redirection",
        Code.CLONE_REFUSED,
        "The address leads on to another one.",
        "Open the repository's page in a browser and copy its present address.",
        Redirected,
    ),
    _cause(
        r"could not read (username|password)|authentication failed|returned error: 40[13]|permission denied \(|"
        r"invalid username or password|terminal prompts disabled|repository not found|repository '[^']*' not found|"
        r"access denied|could not read from remote repository.*rights|returned error: 404",
        Code.REPOSITORY_PRIVATE,
        "The repository is private, or it does not exist.",
        "",
        AccessDenied,
    ),
    _cause(
        r"host key verification failed",
        Code.CLONE_REFUSED,
        "The ssh host's key is not the one that it had before.",
        "Use the repository's https address, or ask the operator to check the host.",
    ),
    _cause(
        r"certificate verif|certificate problem|certificate (has )?expired|no alternative certificate|CAfile",
        Code.CLONE_REFUSED,
        "The Git server's TLS certificate is not valid for this server.",
        "Check the host; for a private authority, the operator adds its certificate to the server's CA bundle.",
    ),
    _cause(
        r"could not resolve (host|proxy|hostname)|temporary failure in name resolution",
        Code.NETWORK,
        "The Git server's name could not be resolved.",
        "Check the spelling of the address and the server's network, then deploy again.",
        TransientFailure,
    ),
    _cause(
        r"too slow|timed out|timeout was reached",
        Code.TIMEOUT,
        "The Git server stopped sending.",
        "Deploy again later; if it goes on, check that the server reaches the Git host.",
        TransientFailure,
    ),
    _cause(
        r"failed to connect|couldn't connect|connection (refused|reset|closed|aborted)|network is unreachable|"
        r"no route to host|handshake|gnutls|ssl_(connect|read|error)|tls packet|early eof|rpc failed|broken pipe|"
        r"unexpected disconnect|hung up unexpectedly|empty reply|transfer closed|returned error: (429|5\d\d)|"
        r"http/2 stream|expected flush|the remote end hung up",
        Code.NETWORK,
        "The Git server could not be reached, or the connection broke.",
        "Check that the server reaches the Git host, then deploy again.",
        TransientFailure,
    ),
    _cause(
        r"not valid: is this a git repository|does not appear to be a git repository|not a git repository|"
        r"invalid advertis|protocol error|dumb http transport",
        Code.CLONE_REFUSED,
        "There is no Git repository at this address.",
        "Open the repository's page in a browser and copy its clone address.",
    ),
    _cause(
        r"transport '.*' not allowed",
        Code.CLONE_REFUSED,
        "The address uses a way of transport that is not allowed.",
        "Use an https or ssh address.",
    ),
    _cause(
        r"fsck error|error in object|invalid path|bad object|garbage|corrupt",
        Code.UNSAFE_REPOSITORY,
        "The repository holds broken or unsafe objects.",
        "Run `git fsck` in a clone of it and repair what it names.",
    ),
    _cause(
        r"invalid index-pack output|index-pack failed",  # all that git says when its limit on file sizes stops it
        Code.REPOSITORY_TOO_LARGE,
        "The repository is larger than this server accepts.",
        "Take large files out of the repository; the operator can raise BUTLER_MAX_REPOSITORY_MB.",
    ),
)


def explain(error: CommandFailed) -> DeploymentFailed:
    """The failure that git's last lines tell of, with the lines that show it."""
    lines = [
        line for line in error.tail if re.match(r"(fatal|error|remote|warning|ssh|.*permission denied)", line, re.I)
    ]
    lines = (lines or error.tail)[-SHOWN_LINES:]
    if isinstance(error, CommandTimedOut):
        return DeploymentFailed(
            Code.TIMEOUT,
            f"Git was ended after {error.seconds:.0f} s of waiting for {error.waiting_for}.",
            "Deploy again later; the operator can raise BUTLER_CLONE_TIMEOUT_SECONDS.",
            lines,
        )
    text = "\n".join(error.tail)
    for cause in _CAUSES:
        if cause.pattern.search(text):
            return cause.error(cause.code, cause.message, cause.hint, lines)
    return DeploymentFailed(
        Code.CLONE_REFUSED,
        f"Git could not fetch the repository (exit code {error.exit_code}).",
        "Its last lines say why.",
        lines,
    )


def private_or_missing(*, is_github: bool, had_token: bool, is_ssh: bool, lines: tuple[str, ...]) -> DeploymentFailed:
    """The two possibilities, and how to tell the Butler a token."""
    message = "The repository is private, or it does not exist: the Git host does not say which."
    if is_ssh:
        hint = "The server has no ssh key for it. Use the https address; for GitHub, store a token on the account page."
    elif had_token:
        hint = (
            "Check the spelling. The stored GitHub token was tried and gives no access: it may have expired or lack "
            "the `repo` (Contents: read) permission. Replace it on the account page or with PUT /api/auth/github-token."
        )
    elif is_github:
        hint = (
            "Check the spelling. If it is private, store a GitHub token that can read it: on the dashboard's account "
            "page, or with PUT /api/auth/github-token."
        )
    else:
        hint = "Check the spelling. Private repositories can be deployed from GitHub only, with a stored token."
    return DeploymentFailed(Code.REPOSITORY_PRIVATE, message, hint, lines)
