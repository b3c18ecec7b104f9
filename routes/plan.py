"""What would be done with a repository, without doing it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

import simple_pipeline
from auth import CurrentUser
from butler_file import overrides_schema, plan_as_dict, read_overrides
from domain import DeployRequest, Event
from robust_error_handler import ButlerError, Code
from robust_logging import current_trace_id
from routes.context import TheButler
from routes.errors_model import error_responses
from routes.inputs import ABOUT_ADDRESS, ABOUT_BRANCH, ABOUT_FOLDER, ADDRESS, BRANCH, FOLDER, OVERRIDES
from routes.views import PlanView
from workspace import check_branch, check_subdirectory, container_name_for, parse_git_url

router = APIRouter(tags=["deploy"])

_JSON = "application/json"
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


_ABOUT_OVERRIDES = (
    "What beats butler.yml and what is detected, with that file's keys: an object, or text in YAML or JSON."
)


class PlanRequest(BaseModel):
    """The repository that is asked about."""

    model_config = ConfigDict(hide_input_in_errors=True)

    git_url: str = Field(description=ABOUT_ADDRESS, json_schema_extra=ADDRESS)
    branch: str | None = Field(None, description=ABOUT_BRANCH, json_schema_extra=BRANCH)
    subdirectory: str | None = Field(None, description=ABOUT_FOLDER, json_schema_extra=FOLDER)
    overrides: dict[str, Any] | str | None = Field(None, description=_ABOUT_OVERRIDES)


async def _sent(request: Request) -> PlanRequest:
    """The question as JSON or as a form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind == _JSON:
            return PlanRequest.model_validate_json(await request.body())
        if kind in _FORMS:
            return PlanRequest.model_validate(dict(await request.form()))
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_input=False)) from error
    hint = f"Send it with the Content-Type {_JSON} or {_FORMS[0]}."
    raise ButlerError("The body is neither JSON nor a form.", hint, Code.INVALID_REQUEST, 415)


_EXAMPLES = {
    "repository": {"value": {"git_url": "https://github.com/user/repo.git", "branch": "main"}},
    "with overrides": {"value": {"git_url": "https://github.com/user/repo.git", "overrides": "run: {port: 4000}\n"}},
}


def _content(*overrides: dict[str, Any]) -> dict[str, Any]:
    """The body's description; `overrides` are the forms in which those may be sent."""
    schema = PlanRequest.model_json_schema()
    forms = overrides[0] if len(overrides) == 1 else {"anyOf": list(overrides)}
    schema["properties"]["overrides"] = {**forms, "title": "Overrides", "description": _ABOUT_OVERRIDES}
    return {"schema": schema, "examples": _EXAMPLES}


_TEXT = {"type": "string", **OVERRIDES}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            _JSON: _content(overrides_schema(), _TEXT, {"type": "null"}),
            **{form: _content(_TEXT) for form in _FORMS},
        },
    }
}


@router.post(
    "/api/plan",
    summary="What would be done with a repository",
    responses=error_responses(415, 422, 429),
    openapi_extra=_BODY,
)
async def plan(butler: TheButler, user: CurrentUser, sent: Annotated[PlanRequest, Depends(_sent)]) -> PlanView:
    """Clone a repository and say how it would be built and run, and why; nothing is built."""
    butler.auth.limits.deploy(user.id)
    address = parse_git_url(sent.git_url, butler.settings)
    wanted = DeployRequest(
        git_url=address.url,
        container_name=container_name_for(address),
        user_id=user.id,
        trace_id=current_trace_id(),
        branch=check_branch(sent.branch) or address.branch_hint,
        subdirectory=check_subdirectory(sent.subdirectory) or address.subdirectory_hint,
        overrides=None if sent.overrides is None else read_overrides(sent.overrides),
        github_token=await asyncio.to_thread(butler.database.users.github_token, user.id),
    )
    found, commit = await simple_pipeline.plan_repository(wanted, _unheard, butler.settings)
    return PlanView(**plan_as_dict(found), commit=commit.sha, branch=commit.branch, git_url=address.url)


def _unheard(_event: Event) -> None:
    """A plan is asked for by one caller, who gets it as an answer and follows no log."""
