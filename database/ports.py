"""What is asked about host ports: which app holds which."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection

from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, col, delete, or_, select

from database.models import PortReservation
from database.transactions import Transactions
from robust_error_handler import Code, DeploymentFailed

ATTEMPTS = 100
"""In each round at least one of those who compete wins, so this many may compete at once."""


def part_of(container_name: str, part: str) -> str:
    """Who holds the port of one part of an app: a name that no app can have."""
    return f"{container_name}:{part}"


class Ports:
    """The reserved ports' questions."""

    def __init__(self, database: Transactions) -> None:
        self._database = database

    def reserve(self, container_name: str, choose: Callable[[set[int]], int]) -> int:
        """A host port that no other app holds: `choose` is given the ports of the others and picks one.

        It runs inside the transaction, so of two simultaneous deployments the second sees the first one's choice.
        An app may hold several; picking one that it holds already keeps that one.
        """
        for _attempt in range(ATTEMPTS):
            with contextlib.suppress(IntegrityError), self._database.transaction() as session:
                port = choose(_held_by_others(session, container_name))
                if _take(session, port, container_name):
                    return port
        raise DeploymentFailed(
            Code.PORT_TAKEN, "No host port could be reserved: others took each one first.", "Deploy again."
        )

    def release(self, container_name: str, *, only: Collection[int] | None = None) -> None:
        """Give back an app's ports (those of its parts too), all of them or only some."""
        its = delete(PortReservation).where(held_by(container_name))
        with self._database.transaction() as session:
            session.exec(its if only is None else its.where(col(PortReservation.host_port).in_(list(only))))

    def reserved(self) -> set[int]:
        """Every reserved port."""
        with self._database.session() as session:
            return set(session.exec(select(PortReservation.host_port)).all())

    def of(self, container_name: str) -> set[int]:
        """The ports that an app holds."""
        with self._database.session() as session:
            its = col(PortReservation.container_name) == container_name
            return set(session.exec(select(PortReservation.host_port).where(its)).all())


def held_by(container_name: str) -> ColumnElement[bool]:
    """The ports of an app and of its parts."""
    holder = col(PortReservation.container_name)
    return or_(holder == container_name, holder.startswith(f"{container_name}:", autoescape=True))


def _take(session: Session, port: int, container_name: str) -> bool:
    holder = session.get(PortReservation, port)
    if holder is None:
        session.add(PortReservation(host_port=port, container_name=container_name))
    return holder is None or holder.container_name == container_name


def _held_by_others(session: Session, container_name: str) -> set[int]:
    others = col(PortReservation.container_name) != container_name
    return set(session.exec(select(PortReservation.host_port).where(others)).all())
