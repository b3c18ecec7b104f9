"""Steps of a deployment: each is told when it starts and ends, how long it took, and as what its failure leaves."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from domain import Emit, Event, EventKind, Stage
from failure_advice import explain
from robust_error_handler import ButlerError, Code, CommandFailed, CommandTimedOut, DeploymentFailed
from robust_logging import FIELDS, bind

log = logging.getLogger(__name__)

TITLES = {
    Stage.VALIDATE: "Checking the request and the tools",
    Stage.CLONE: "Cloning the repository",
    Stage.DETECT: "Finding out what the project is",
    Stage.CLEAN: "Clearing the way",
    Stage.BUILD: "Building the image",
    Stage.START: "Starting the container",
    Stage.PORT: "Finding the port",
    Stage.VERIFY: "Checking that the address answers",
    Stage.RECORD: "Recording the deployment",
}


class Steps:
    """Runs the stages of one deployment and tells `emit` about each."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit

    @contextmanager
    def __call__(self, stage: Stage) -> Iterator[None]:
        """One stage. Whatever a program's failure was, a DeploymentFailed that explains it leaves."""
        self._emit(Event(EventKind.STAGE_STARTED, stage, TITLES[stage]))
        began = time.perf_counter()
        with bind(stage=str(stage)):
            try:
                yield
            except asyncio.CancelledError:
                self._end(EventKind.STAGE_FAILED, stage, "cancelled after", began)
                raise
            except (ButlerError, CommandFailed) as error:
                failure = as_failure(stage, error)
                self._end(EventKind.STAGE_FAILED, stage, "failed after", began)
                if failure is error:
                    raise
                raise failure from error
            self._end(EventKind.STAGE_FINISHED, stage, "done in", began)

    def _end(self, kind: EventKind, stage: Stage, how: str, began: float) -> None:
        """Tell how a stage ended. Why it failed is told once, by the FAILURE that ends the release."""
        seconds = round(time.perf_counter() - began, 3)
        log.info("stage ended", extra={FIELDS: {"outcome": str(kind), "seconds": seconds}})
        self._emit(Event(kind, stage, f"{TITLES[stage]}: {how} {seconds:.1f} s", seconds))


def as_failure(stage: Stage, error: ButlerError | CommandFailed) -> ButlerError:
    """The error that a user reads, for whatever stopped a stage."""
    if isinstance(error, ButlerError):
        return error
    if isinstance(error, CommandTimedOut):
        return DeploymentFailed(
            Code.TIMEOUT,
            f"Gave up after {error.seconds:g} s of waiting for {error.waiting_for}.",
            "See the last lines for what it was doing; raise the limit in the server's settings if it needs longer.",
            error.tail[-20:],
        )
    return explain(stage, error.tail, exit_code=error.exit_code)
