"""Why something asked of an app cannot be done or came to nothing, in words without the app's secrets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from database import Environment
from domain import Secret
from robust_error_handler import ButlerError, Code, Conflict
from robust_logging import redactor, secret_values


def secrets_of(environment: Environment, token: Secret | None = None) -> list[str]:
    """What must show nowhere: the values of an app's variables, and its owner's token."""
    own = [] if token is None else [token.reveal()]
    return [*secret_values(environment.backend), *secret_values(environment.frontend), *own]


def masked(error: ButlerError) -> ButlerError:
    """The error without the secrets that are hidden now."""
    error.message, error.hint = redactor.mask(error.message), redactor.mask(error.hint)
    return error.with_lines([redactor.mask(line) for line in error.lines])


@contextmanager
def errors_masked(environment: Environment) -> Iterator[None]:
    """A block whose log lines and errors show none of an app's values."""
    with redactor.hiding(secrets_of(environment)):
        try:
            yield
        except ButlerError as error:
            raise masked(error) from error.__cause__


def unknown(trace_id: str) -> ButlerError:
    """The error of whatever nobody expected; the trace itself goes to the server's log."""
    return ButlerError(
        "The Butler failed in a way that it does not know.", f"Tell the operator this trace id: {trace_id}."
    )


def closing() -> ButlerError:
    """The refusal of anything new while the Butler shuts down."""
    return ButlerError("The Butler is shutting down.", "Try again in a minute.", Code.CONFLICT, 503)


def being_deployed(container_name: str) -> Conflict:
    """The refusal of a deed while the app is being deployed."""
    return Conflict(
        f"{container_name} is being deployed.",
        f"Wait until that has ended, or cancel it with `POST /deployments/{container_name}/cancel`.",
    )


def never_live(container_name: str) -> Conflict:
    """The refusal of a deed on an app that there is nothing of."""
    return Conflict(f"{container_name} has never been live.", "Deploy it first.")
