"""Finding the port of a started app and proving that its address answers; nothing counts as deployed before that."""

from __future__ import annotations

import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import docker_run
from docker_run import Verdict
from domain import Emit, Event, EventKind, Plan, RunningContainer, Stage
from failure_advice import explain, remark_on
from port_discovery import Finding, Sockets, find_running_port
from robust_error_handler import DeploymentFailed
from settings import Settings

_SLICE_SECONDS = 1.0
_STEADY_ROUNDS = 2
_STEADY_LOOPBACK_ROUNDS = 5
_LOG_LINES = 60


async def detect_running_port(
    container: RunningContainer, plan: Plan, emit: Emit, settings: Settings, exposed: Sequence[int] = ()
) -> Finding:
    """Find the port on which a started container serves, by asking it and by reading what listens inside.

    The published port is asked first. If it stays silent while another port listens steadily, that one is it.
    Raises DeploymentFailed when the container ends, listens on loopback only, or opens nothing in time.
    """
    expected = container.container_port
    began = time.monotonic()
    rounds, before = 0, None
    sockets = Sockets(problem="nothing was seen yet")
    verdict: Verdict | None = None
    while verdict is None or time.monotonic() - began < settings.start_timeout_seconds:
        verdict = await docker_run.wait_until_answers(
            container, settings, timeout_seconds=_SLICE_SECONDS, expects_http=plan.expects_http, check=plan.healthcheck
        )
        if verdict.answered and expected is not None:
            return Finding(expected, "it answers", verified=True)
        if verdict.state is not None:
            raise await failure(verdict, container, plan, emit, settings)
        finding, sockets = await _look_inside(container, exposed, settings)
        if finding is not None and finding.port == expected and finding.verified and not finding.loopback_only:
            return finding
        rounds = rounds + 1 if finding == before else 0
        before = finding
        if finding is not None and finding.verified and rounds >= _STEADY_ROUNDS and not finding.loopback_only:
            detail = {"code": "wrong-port", "expected": expected, "found": finding.port}
            emit(Event(EventKind.WARNING, Stage.PORT, finding.told(expected), detail=detail))
            return finding
        if finding is not None and finding.loopback_only and rounds >= _STEADY_LOOPBACK_ROUNDS:
            break
    raise await failure(verdict, container, plan, emit, settings, sockets, time.monotonic() - began)


async def _look_inside(
    container: RunningContainer, exposed: Sequence[int], settings: Settings
) -> tuple[Finding | None, Sockets]:
    state = await docker_run.inspect(container.id, settings)
    if state is None:
        return None, Sockets(problem="the container is gone")
    return await find_running_port(
        pid=state.pid,
        container_id=state.id,
        expected=container.container_port,
        exposed=exposed,
        log=await docker_run.log_lines(container.name, settings, tail=_LOG_LINES),
        inspected=tuple(state.ports),
    )


async def verify(
    container: RunningContainer, plan: Plan, emit: Emit, settings: Settings, *, has_settled: bool = False
) -> None:
    """Prove that an app's address answers from outside its container, and that it has stayed up for the settling time.

    `has_settled` leaves out the settling time: the same image has just been through it.
    Raises DeploymentFailed otherwise, with the lines of its log that show why.
    """
    if container.host_port is not None:
        verdict = await docker_run.wait_until_answers(
            container, settings, expects_http=plan.expects_http, check=plan.healthcheck
        )
        if not verdict.answered:
            _finding, sockets = await _look_inside(container, (), settings)
            raise await failure(verdict, container, plan, emit, settings, sockets)
        answer = f"HTTP {verdict.status_code}" if verdict.status_code else "TCP"
        emit(Event(EventKind.NOTE, Stage.VERIFY, f"{container.url} answered ({answer}) after {verdict.seconds:.2f} s."))
        if remark := _remark(verdict, container, plan):
            detail = {"code": "answers-with-error", "status": verdict.status_code}
            emit(Event(EventKind.WARNING, Stage.VERIFY, remark, detail=detail))
    if has_settled:
        await docker_run.keep_running(container.id, settings)
        return
    verdict = await docker_run.settle(container, settings)
    if not verdict.answered:
        raise await failure(verdict, container, plan, emit, settings)


def _remark(verdict: Verdict, container: RunningContainer, plan: Plan) -> str | None:
    host = urlsplit(container.url or "").hostname or "localhost"
    return remark_on(verdict.status_code or 200, plan.framework or "", host)


async def failure(
    verdict: Verdict,
    container: RunningContainer,
    plan: Plan,
    emit: Emit,
    settings: Settings,
    sockets: Sockets | None = None,
    seconds: float | None = None,
) -> DeploymentFailed:
    """What a verdict other than an answer means, told with the lines of the app's log, which are kept with ours."""
    state = verdict.state
    lines = await docker_run.log_lines(container.name, settings, tail=_LOG_LINES)
    for line in lines:
        emit(Event(EventKind.LINE, Stage.START, line, detail={"stream": "app"}))
    if state is None and verdict.status_code is not None:
        return await docker_run.failure(verdict, container, settings)
    context: dict[str, object] = {
        "port": container.container_port,
        "framework": plan.framework or str(plan.kind),
        "timeout_seconds": round(seconds or verdict.seconds),
        "memory_limit": settings.memory_limit,
    }
    if state is not None:
        return explain(Stage.START, lines, exit_code=state.exit_code, oom_killed=state.oom_killed, context=context)
    if sockets is not None and sockets.addresses is not None:
        context["listening"] = sockets.addresses
    return explain(Stage.VERIFY, lines, context=context)
