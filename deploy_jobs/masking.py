"""Errors without the secrets of the app that they are about, which are known only while it is worked on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from database import Environment
from domain import Secret
from robust_error_handler import ButlerError
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
