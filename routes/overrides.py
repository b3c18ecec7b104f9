"""An app's overrides: what its next deployment takes instead of butler.yml's words and of what is detected."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field

from auth import CurrentUser
from butler_file import overrides_schema, read_overrides
from database import Deployment
from robust_logging import audit
from routes.context import Butler, TheButler
from routes.deployments import Name
from routes.errors_model import ErrorBody, described, error_responses
from routes.variables import has_other_overrides
from routes.views import WRONG_OVERRIDES

router = APIRouter(prefix="/deployments/{name}/overrides", tags=["deployments"])

_EXAMPLE: dict[str, Any] = {
    "container_name": "user-repo-a1b2c3d4",
    "release": 3,
    "pending": True,
    "overrides": {"build": {"command": "npm run build"}, "run": {"port": 4000}},
    "live": {"run": {"port": 3000}},
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": overrides_schema(),
                "examples": {"port and build": {"value": _EXAMPLE["overrides"]}, "none": {"value": {}}},
            }
        },
    }
}

_REFUSALS: dict[int | str, dict[str, Any]] = {
    **error_responses(404),
    422: {"model": ErrorBody, **described(422, WRONG_OVERRIDES)},
}


class OverridesView(BaseModel):
    """An app's overrides, with the keys of butler.yml, beside those of its live release."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    container_name: str
    release: int | None = Field(None, description="The live release that `pending` compares with.")
    pending: bool = Field(description="Whether the live release has others.")
    overrides: dict[str, Any] | None = Field(None, description="For the next deployment; null where there are none.")
    live: dict[str, Any] | None = Field(None, description="Those of the live release.")


async def _sent(request: Request) -> dict[str, Any] | None:
    """The body's keys, read from its text: so a mistake is told with its line."""
    content = await request.body()
    try:
        text = content.decode("utf-8")
        is_object = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        raise RequestValidationError([{"loc": ("body",), "msg": "A JSON object is needed", "type": "dict_type"}])
    return read_overrides(text)


@router.get("", summary="Read an app's overrides", responses=error_responses(404))
def read_app_overrides(butler: TheButler, user: CurrentUser, name: Name) -> OverridesView:
    """What the next deployment takes instead of butler.yml's words and of what is detected, and what the live one took."""
    return _view(butler, butler.database.deployments.owned(user.id, name))


@router.put("", summary="Replace an app's overrides", responses=_REFUSALS, openapi_extra=_BODY)
def replace_overrides(
    butler: TheButler, user: CurrentUser, name: Name, sent: Annotated[dict[str, Any] | None, Depends(_sent)]
) -> OverridesView:
    """Replace all overrides for the next deployment; an empty object clears them. The running app stays as it is."""
    app = butler.database.deployments.owned(user.id, name)
    app = butler.database.deployments.update(app.id, overrides=sent)
    audit("overrides.replaced", deployment=name, keys=sorted(sent or ()))
    return _view(butler, app)


def _view(butler: Butler, app: Deployment) -> OverridesView:
    live = butler.database.releases.by_id(app.current_release_id) if app.current_release_id else None
    return OverridesView(
        container_name=app.container_name,
        release=live.number if live else None,
        pending=has_other_overrides(butler.database, app),
        overrides=app.overrides,
        live=live.overrides if live else None,
    )
