"""The database: its tables, and the few questions asked of them; SQL is written nowhere else.

A migration is written with `alembic -c migrations/alembic.ini revision --autogenerate` and runs at the next start.
"""

from database.deployments import DeploymentChanges, Environment
from database.keys import RequestKey
from database.models import Deployment, IdempotencyKey, PortReservation, RefreshToken, Release, RevokedToken, User
from database.moves import may_move
from database.ports import part_of
from database.releases import ReleaseChanges
from database.store import Database

__all__ = [
    "Database",
    "Deployment",
    "DeploymentChanges",
    "Environment",
    "IdempotencyKey",
    "PortReservation",
    "RefreshToken",
    "Release",
    "ReleaseChanges",
    "RequestKey",
    "RevokedToken",
    "User",
    "may_move",
    "part_of",
]
