"""The table of allowed moves of a deployment's or a release's status and phase, and the one place that applies it."""

from __future__ import annotations

from database.models import Deployment, Release, now
from domain import Phase, Stage, Status
from robust_error_handler import ButlerError

MOVES: dict[Status, frozenset[Status]] = {
    Status.STARTING: frozenset(Status),
    Status.SUCCESS: frozenset(Status),
    Status.FAILED: frozenset({Status.FAILED, Status.STARTING}),
}
"""Success comes only out of a start that was verified."""

PHASES: dict[Status, frozenset[str]] = {
    Status.STARTING: frozenset({Phase.QUEUED, Phase.DELETING, *Stage}),
    Status.SUCCESS: frozenset({Phase.LIVE, Phase.STOPPED, Phase.DELETING}),
    Status.FAILED: frozenset({Phase.FAILED, Phase.STOPPED, Phase.DELETING}),
}


def may_move(status: Status, phase: str, *, to_status: Status, to_phase: str) -> bool:
    """Whether the move is allowed. What is being deleted can only go on being deleted."""
    if phase == Phase.DELETING and to_phase != Phase.DELETING:
        return False
    return to_status in MOVES[status] and to_phase in PHASES[to_status]


def apply_move(row: Deployment | Release, status: Status, phase: Phase | Stage) -> None:
    """Move a row along the table."""
    if not may_move(row.status, row.phase, to_status=status, to_phase=phase):
        raise ButlerError(
            f"A {type(row).__name__.lower()} cannot go from {row.status} ({row.phase}) to {status} ({phase}).",
            "This is a fault of the Butler: please report it with the trace id.",
        )
    row.status, row.phase = status, phase.value
    if isinstance(row, Deployment):
        row.updated_at = now()
