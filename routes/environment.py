"""An app's variables: names and masked values, edits for the next deployment, and what the repository offers.

Values leave only for their owner, only with `reveal=true`, and each time with an audit record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

import env_file
from auth import CurrentUser
from database import Deployment, Environment
from robust_error_handler import BadRequest, Code
from robust_logging import MASK, audit
from routes.context import Butler, TheButler
from routes.deployments import Name
from routes.errors_model import error_responses
from routes.inputs import VARIABLES
from routes.variables import KINDS, Kind, Pending, Variable, compared
from routes.views import OfferedView


def _never_stored(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


router = APIRouter(prefix="/deployments/{name}/env", tags=["environment"], dependencies=[Depends(_never_stored)])

_NAME_PATTERN = "^[A-Za-z_][A-Za-z0-9_]{0,127}$"
_NAMES: dict[str, Any] = {
    "propertyNames": {"pattern": _NAME_PATTERN},
    "additionalProperties": {"type": "string", "pattern": "^[^\\x00]*$"},
}
_KEPT: dict[str, Any] = {
    "propertyNames": {"pattern": _NAME_PATTERN},
    "additionalProperties": {"anyOf": [{"type": "string", "pattern": "^[^\\x00]*$"}, {"type": "null"}]},
}
_EXAMPLE: dict[str, Any] = {
    "container_name": "user-repo-a1b2c3d4",
    "release": 3,
    "pending": True,
    "revealed": False,
    "variables": [
        {"name": "DATABASE_URL", "kind": "backend", "value": MASK, "pending": None},
        {"name": "VITE_API", "kind": "frontend", "value": MASK, "pending": "changed"},
    ],
}


class VariableView(BaseModel):
    """One variable. An edited one stays `pending` until a deployment with it is live."""

    name: str
    kind: Kind = Field(description="`backend` reaches the running app, `frontend` the build.")
    value: str | None = Field(None, description="Masked unless revealed; null for one that was removed.")
    pending: Pending | None = None


class EnvironmentView(BaseModel):
    """An app's variables."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    container_name: str
    release: int | None = Field(None, description="The live release that `pending` compares with.")
    pending: bool = Field(description="Whether a deployment would change any.")
    revealed: bool
    variables: list[VariableView]


class EnvironmentPatch(BaseModel):
    """Edits of one kind of variable: `file` is read first, then `set`, then `unset`."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"kind": "backend", "set": {"SECRET_KEY": "abc123"}, "unset": ["OLD"]}]},
    )

    kind: Kind = "backend"
    set: dict[str, str] = Field({}, json_schema_extra=_NAMES, repr=False)
    unset: list[Annotated[str, Field(max_length=128)]] = Field([], max_length=1000)
    file: str | None = Field(
        None, description="The text of a whole `.env` file.", json_schema_extra=VARIABLES, repr=False
    )


class EnvironmentReplacement(BaseModel):
    """All variables of a kind. A null value keeps the one that is stored; a kind that is left out stays as it is."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={"examples": [{"backend": {"SECRET_KEY": "abc123"}, "frontend": {}}]},
    )

    backend: dict[str, str | None] | None = Field(None, json_schema_extra=_KEPT, repr=False)
    frontend: dict[str, str | None] | None = Field(None, json_schema_extra=_KEPT, repr=False)


class OfferView(OfferedView):
    """A variable that the repository offers, and whether it has a value by now."""

    is_set: bool


class OffersView(BaseModel):
    """The variables that the repository's example of an env file named at the newest deployment."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "container_name": "user-repo-a1b2c3d4",
                    "release": 3,
                    "variables": [{"name": "SECRET_KEY", "source": ".env.example:3", "is_set": False}],
                }
            ]
        }
    )

    container_name: str
    release: int | None = Field(None, description="The release that found them.")
    variables: list[OfferView]


@router.get("", summary="Read an app's variables", responses=error_responses(404))
def read_environment(
    butler: TheButler,
    user: CurrentUser,
    name: Name,
    reveal: Annotated[bool, Query(description="Show the values in the clear; that is put on record.")] = False,
) -> EnvironmentView:
    """The names, which kind each is, and which were edited since the live release; the values are masked."""
    app = butler.database.deployments.owned(user.id, name)
    if reveal:
        audit("env.revealed", deployment=name)
    return _view(butler, app, reveal=reveal)


@router.patch("", summary="Edit an app's variables", responses=error_responses(404))
def edit_environment(butler: TheButler, user: CurrentUser, name: Name, edit: EnvironmentPatch) -> EnvironmentView:
    """Set and unset variables for the next deployment; the running app keeps those that it has."""
    app = butler.database.deployments.owned(user.id, name)
    both = sorted(set(edit.set) & set(edit.unset))
    if both:
        raise BadRequest(f"{both[0]} is in `set` and in `unset`.", "Name it in one of them.", Code.INVALID_ENV_FILE)
    given = {} if edit.file is None else env_file.parse(edit.file.encode("utf-8", "surrogatepass"), "file")
    env_file.check(edit.set, "set")
    given |= edit.set

    def change(stored: Environment) -> Environment:
        merged = {**getattr(stored, edit.kind), **given}
        return _with(stored, edit.kind, {key: merged[key] for key in merged if key not in edit.unset})

    butler.database.deployments.change_environment(app.id, change)
    audit("env.edited", deployment=name, kind=edit.kind, set=sorted(given), unset=sorted(edit.unset))
    return _view(butler, app)


@router.put("", summary="Replace an app's variables", responses=error_responses(404))
def replace_environment(
    butler: TheButler, user: CurrentUser, name: Name, sent: EnvironmentReplacement
) -> EnvironmentView:
    """Replace all variables of a kind for the next deployment; the running app keeps those that it has."""
    app = butler.database.deployments.owned(user.id, name)

    def change(stored: Environment) -> Environment:
        changed = stored
        for kind in KINDS:
            wanted: Mapping[str, str | None] | None = getattr(sent, kind)
            if wanted is not None:
                changed = _with(changed, kind, _filled(wanted, getattr(stored, kind), kind))
        return changed

    butler.database.deployments.change_environment(app.id, change)
    audit("env.replaced", deployment=name, backend=sorted(sent.backend or ()), frontend=sorted(sent.frontend or ()))
    return _view(butler, app)


@router.get("/example", summary="Which variables the repository offers", responses=error_responses(404))
def offered_variables(butler: TheButler, user: CurrentUser, name: Name) -> OffersView:
    """The names in the repository's `.env.example`, as the newest deployment that read the repository found them."""
    app = butler.database.deployments.owned(user.id, name)
    stored = butler.database.deployments.environment(app.id)
    release = butler.database.releases.newest_with_plan(app.id)
    offered: list[dict[str, str]] = (release.plan or {}).get("variables", []) if release else []
    known = {*stored.backend, *stored.frontend}
    return OffersView(
        container_name=name,
        release=release.number if release else None,
        variables=[OfferView(**one, is_set=one["name"] in known) for one in offered],
    )


def _with(stored: Environment, kind: Kind, variables: Mapping[str, str]) -> Environment:
    """The variables with one kind of them replaced, where they fit into what a kind may hold."""
    env_file.check(variables, kind)
    return Environment(variables, stored.frontend) if kind == "backend" else Environment(stored.backend, variables)


def _filled(
    wanted: Mapping[str, str | None], stored: Mapping[str, str], kind: Literal["backend", "frontend"]
) -> dict[str, str]:
    """What is wanted, with the stored value wherever it is to be kept."""
    unknown = [name for name, value in wanted.items() if value is None and name not in stored]
    if unknown:
        lines = tuple(f"{name[:128]}: there is no value to keep" for name in unknown)
        hint = "Send a value; null keeps one that is stored."
        raise BadRequest(f"{kind} has no value for {unknown[0][:128]}.", hint, Code.INVALID_ENV_FILE, lines)
    return {name: stored[name] if value is None else value for name, value in wanted.items()}


def _view(butler: Butler, app: Deployment, *, reveal: bool = False) -> EnvironmentView:
    database = butler.database
    live = database.releases.by_id(app.current_release_id) if app.current_release_id else None
    before = database.releases.environment(live.id) if live else Environment()
    variables = compared(database.deployments.environment(app.id), before)
    return EnvironmentView(
        container_name=app.container_name,
        release=live.number if live else None,
        pending=any(variable.pending for variable in variables),
        revealed=reveal,
        variables=[_shown(variable, reveal=reveal) for variable in variables],
    )


def _shown(variable: Variable, *, reveal: bool) -> VariableView:
    value = variable.value if reveal or variable.value is None else MASK
    return VariableView(name=variable.name, kind=variable.kind, value=value, pending=variable.pending)
