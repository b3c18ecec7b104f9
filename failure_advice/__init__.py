"""The advice table: known output of tools and apps, mapped to a cause, the lines that show it and a remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain import Stage
from failure_advice.answers import remark_on
from failure_advice.building import BUILD_FAILED, BUILD_FAILED_OTHERWISE, DOCKERFILES, SOURCE
from failure_advice.clone import CLONE, CLONE_REFUSED
from failure_advice.dependencies import COMPILERS, LOCKFILES, PIP_UNKNOWN, UNKNOWN_PACKAGES, VERSIONS
from failure_advice.downloads import DOWNLOADS
from failure_advice.host import COMPOSE, DISK, DOCKER, IMAGES, MEMORY, NETWORK, PORTS
from failure_advice.rule import BUILDING, CLONING, EVERYWHERE, RUNNING, Finding, Report, Rule, apply, report, tail
from failure_advice.silence import (
    LOOPBACK_ONLY,
    NEVER_LISTENED,
    NOT_ANSWERING,
    WRONG_PORT,
    from_sockets,
    how_to_listen,
)
from failure_advice.starting import COMMANDS, CRASHED, DATABASES, MODULES, PACKAGE_BREAKS, UNCAUGHT
from failure_advice.variables import VARIABLES
from failure_advice.words import filled
from robust_error_handler import Code, DeploymentFailed

# Order is meaning: the first rule that applies decides. What is certain stands before what is only likely, and
# the network stands after packages that a registry denied, before those that pip merely did not find.
RULES: tuple[Rule, ...] = (
    *DOCKER,
    *DISK,
    *COMPOSE,
    *IMAGES,
    *MEMORY,
    *PORTS,
    *CLONE,
    *UNKNOWN_PACKAGES,
    *LOCKFILES,
    *VARIABLES,
    *VERSIONS,
    *DOWNLOADS,
    *COMPILERS,
    *DATABASES,
    *NETWORK,
    *PIP_UNKNOWN,
    *MODULES,
    *DOCKERFILES,
    *SOURCE,
    *COMMANDS,
    BUILD_FAILED,
)
UNKNOWN = Rule(
    name="unknown",
    stages=EVERYWHERE,
    code=Code.INTERNAL,
    message="The step {stage} failed: {last_line}.",
    remedy="The lines shown say why; correct it and deploy again.",
)
# What is said when nothing in the table applies.
OTHERWISE: tuple[Rule, ...] = (
    BUILD_FAILED_OTHERWISE,
    CLONE_REFUSED,
    PACKAGE_BREAKS,
    UNCAUGHT,
    CRASHED,
    LOOPBACK_ONLY,
    WRONG_PORT,
    NEVER_LISTENED,
    NOT_ANSWERING,
    UNKNOWN,
)


def explain(
    stage: Stage,
    lines: Sequence[str],
    *,
    exit_code: int | None = None,
    oom_killed: bool = False,
    context: Mapping[str, Any] | None = None,
) -> DeploymentFailed:
    """Say what a failed stage died of, from its output and from how it ended.

    For an app that is up and does not answer leave `exit_code` None. Known keys of `context`: `port` (expected),
    `listening` (`address:port` of each socket in the container), `framework`, `timeout_seconds`, `memory_limit`.
    """
    known = dict(context or {})
    finding = _find(report(stage, lines, exit_code, oom_killed), known)
    code = finding.rule.code
    if code is Code.CRASHED_AT_START and stage in (Stage.PORT, Stage.VERIFY) and exit_code is None:
        code = Code.NOT_ANSWERING
    message, remedy = filled(finding, known, stage, exit_code)
    return DeploymentFailed(code, message, remedy, finding.lines)


def is_network_failure(lines: Sequence[str]) -> bool:
    """Whether trying again may help: the network failed, rather than a server saying no."""
    facts = report(Stage.BUILD, lines, None, False)
    finding = next((found for rule in RULES if (found := apply(rule, facts))), None)
    return finding is not None and finding.rule.retry


def is_host_port_taken(lines: Sequence[str]) -> bool:
    """Whether Docker says that the chosen port of the host is taken, so that another one should be tried."""
    facts = report(Stage.START, lines, None, False)
    return any(apply(rule, facts) for rule in PORTS if rule.name == "host-port-taken")


def _find(facts: Report, context: Mapping[str, Any]) -> Finding:
    is_silent = facts.stage in RUNNING and facts.exit_code is None and not facts.oom_killed
    if is_silent and (judged := from_sockets(context)) and judged[0] in (LOOPBACK_ONLY, WRONG_PORT):
        return Finding(judged[0], judged[1], tail(facts.lines))
    for rule in RULES:
        if found := apply(rule, facts):
            return found
    return _otherwise(facts, context, is_silent)


def _otherwise(facts: Report, context: Mapping[str, Any], is_silent: bool) -> Finding:
    if is_silent and (judged := from_sockets(context)):
        return Finding(judged[0], judged[1], tail(facts.lines))
    if is_silent and facts.stage in (Stage.PORT, Stage.VERIFY):
        return _silent(facts, context)
    if facts.stage in RUNNING:
        traced = apply(PACKAGE_BREAKS, facts) or apply(UNCAUGHT, facts)
        return traced or Finding(CRASHED, {}, tail(facts.lines))
    rule = BUILD_FAILED_OTHERWISE if facts.stage in BUILDING else CLONE_REFUSED if facts.stage in CLONING else UNKNOWN
    return Finding(rule, {}, tail(facts.lines))


def _silent(facts: Report, context: Mapping[str, Any]) -> Finding:
    """Judge an app that is up by its output alone."""
    if found := apply(LOOPBACK_ONLY, facts):
        return found
    found = apply(WRONG_PORT, facts)
    if found and context.get("port") is not None and found.words["found"] != str(context["port"]):
        return found
    return Finding(NOT_ANSWERING, {}, tail(facts.lines))


__all__ = ["OTHERWISE", "RULES", "explain", "how_to_listen", "is_host_port_taken", "is_network_failure", "remark_on"]
