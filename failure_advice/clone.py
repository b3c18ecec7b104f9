"""Failures of a clone: what git says when a repository cannot be had."""

from __future__ import annotations

from failure_advice.rule import CLONING, Rule
from robust_error_handler import Code

CLONE = (
    Rule(
        name="branch-missing",
        stages=CLONING,
        code=Code.BRANCH_MISSING,
        message="The repository has no branch or tag called {branch}.",
        remedy="Check the spelling, or leave the branch empty to deploy the default one.",
        patterns=(
            r"Remote branch (?P<branch>\S+) not found",
            r"couldn't find remote ref (?P<branch>\S+)",
            r"pathspec '(?P<branch>[^']+)' did not match",
        ),
    ),
    Rule(
        name="repository-private",
        stages=CLONING,
        code=Code.REPOSITORY_PRIVATE,
        message="The repository does not exist, or it is private and the Butler has no access to it.",
        remedy="Check the address; for a private repository connect GitHub with a token that may read it.",
        patterns=(
            r"could not read (?:Username|Password) for",
            r"Authentication failed for",
            r"Repository not found",
            r"repository '?.{1,300}'? not found",
            r"Permission denied \(publickey",
            r"The requested URL returned error: 40[134]",
            r"HTTP Basic: Access denied",
            r"Host key verification failed",
            r"correct access rights",
        ),
    ),
    Rule(
        name="not-a-repository",
        stages=CLONING,
        code=Code.CLONE_REFUSED,
        message="There is no Git repository at this address.",
        remedy="Use the address that the host's Clone button gives, such as https://github.com/user/repo.git.",
        patterns=(
            r"does not appear to be a git repository",
            r"not valid: is this a git repository",
            r"unable to update url base from redirection",
            r"protocol error: bad line length",
        ),
    ),
)
CLONE_REFUSED = Rule(
    name="clone-refused",
    stages=CLONING,
    code=Code.CLONE_REFUSED,
    message="git could not clone the repository: {last_line}.",
    remedy="Check the address, and that `git clone` works with it on another machine.",
)
