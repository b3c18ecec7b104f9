"""Accounts over HTTP: register, log in, renew, log out, who am I, the password and the GitHub token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from auth import LONGEST_PASSWORD, SHORTEST_PASSWORD, Auth, CurrentSession, CurrentUser, TokenPair
from database import Database, User
from domain import Secret
from rate_limits import peer_of
from robust_error_handler import BadRequest, ButlerError, Code, Forbidden, RateLimited, Unauthorised
from robust_logging import audit, security_event
from routes.errors_model import error_responses

_NO_NUL = r"^[^\x00]*$"
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_MOST_FORM_FIELDS = 20

# Names such as nas.local are welcome: the Butler may serve a house without a domain of its own.
SPECIAL_USE_DOMAIN_NAMES.clear()


def _plausible_email(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False, globally_deliverable=False).normalized
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error


Username = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{1,31}$",
        description="2 to 32 letters, digits, `-` and `_`; upper and lower case are shown but not told apart.",
    ),
]
Email = Annotated[
    str,
    Field(max_length=254, pattern=_NO_NUL, json_schema_extra={"format": "email"}),
    AfterValidator(_plausible_email),
]
NewPassword = Annotated[
    str, Field(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD, pattern=_NO_NUL, repr=False)
]
Login = Annotated[
    str, Field(min_length=1, max_length=320, pattern=_NO_NUL, description="The user name or the e-mail address.")
]
Password = Annotated[str, Field(min_length=1, max_length=LONGEST_PASSWORD, pattern=_NO_NUL, repr=False)]
OpaqueToken = Annotated[str, Field(min_length=1, max_length=512, pattern=_NO_NUL, repr=False)]


_USER: dict[str, Any] = {
    "id": 1,
    "username": "alice",
    "email": "alice@example.org",
    "auth_provider": "local",
    "is_active": True,
    "created_at": "2024-01-15T10:30:00Z",
    "has_github_token": True,
    "github_token_added_at": "2024-01-16T08:00:00Z",
}
_SESSION: dict[str, Any] = {
    "access_token": "<header>.<claims>.<signature>",
    "token_type": "bearer",
    "expires_in": 1800,
    "refresh_token": "<a renewal token>",
    "user": _USER,
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class RegisterRequest(_Body):
    """A new account."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"username": "alice", "email": "alice@example.org", "password": "correct horse battery"}]
        }
    )

    username: Username
    email: Email
    password: NewPassword


class LoginRequest(_Body):
    """A log-in as JSON."""

    username: Login
    password: Password


class LoginForm(BaseModel):
    """A log-in as the form of OAuth2's password flow, which the Authorize button of /docs sends."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    grant_type: Literal["password", ""] = "password"
    username: Login
    password: Password


class RefreshRequest(_Body):
    """A renewal token, to be changed for new tokens."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"refresh_token": "mF_9.B5f-4.1JqM-a-renewal-token"}]})

    refresh_token: OpaqueToken


class LogoutRequest(_Body):
    """How far a log-out goes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"everywhere": False}]})

    everywhere: bool = Field(False, strict=True, description="End every session of the account, not only this one.")


class PasswordChange(_Body):
    """A new password, and proof of the old one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"current_password": "correct horse battery", "new_password": "staple of the horse"}]
        }
    )

    current_password: Password
    new_password: NewPassword


class GithubToken(_Body):
    """A GitHub token with which private repositories are cloned; it is stored encrypted and never shown again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "ghp_0123456789abcdefghijklmnopqrstuvwxyz"}]})

    token: str = Field(min_length=8, max_length=255, pattern=r"^[\x21-\x7e]*$", repr=False)


class UserAnswer(BaseModel):
    """A user, as they see themselves."""

    model_config = ConfigDict(json_schema_extra={"examples": [_USER]})

    id: int
    username: str
    email: str
    auth_provider: str
    is_active: bool
    created_at: datetime
    has_github_token: bool = Field(description="Whether a GitHub token is stored; the token itself is never shown.")
    github_token_added_at: datetime | None

    @classmethod
    def of(cls, user: User) -> UserAnswer:
        """The part of a user's row that the user may see."""
        shown = user.model_dump(include=set(cls.model_fields))
        return cls(**shown, has_github_token=user.github_access_token is not None)


class SessionAnswer(BaseModel):
    """A log-in: the access token goes into `Authorization: Bearer`, the renewal token works once."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SESSION]})

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  a kind of token, not one
    expires_in: int = Field(description="Seconds until the access token expires.")
    refresh_token: str
    user: UserAnswer


def _auth(request: Request) -> Auth:
    auth: Auth = request.app.state.auth
    return auth


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _never_stored(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


async def _sent_credentials(request: Request) -> LoginRequest | LoginForm:
    """The log-in that was sent, as JSON or as a form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    try:
        if kind == _JSON:
            return LoginRequest.model_validate_json(body)
        if kind == _FORM:
            fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FORM_FIELDS)
            return LoginForm.model_validate(dict(fields))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadRequest(f"{place}: {first['msg']}.", "Send `username` and `password`.") from error
    except ValueError as error:
        raise BadRequest("The form cannot be read.", "Send `username` and `password`.") from error
    raise ButlerError(
        "A log-in is JSON or a form.",
        f"Send it with the Content-Type {_JSON} or {_FORM}.",
        Code.INVALID_REQUEST,
        415,
    )


TheAuth = Annotated[Auth, Depends(_auth)]
TheDatabase = Annotated[Database, Depends(_database)]
Credentials = Annotated[LoginRequest | LoginForm, Depends(_sent_credentials)]


def _content(model: type[BaseModel]) -> dict[str, Any]:
    example = {"username": "alice", "password": "correct horse battery"}
    return {"schema": model.model_json_schema(), "examples": {"alice": {"value": example}}}


_LOGIN_BODIES = {
    "requestBody": {"required": True, "content": {_JSON: _content(LoginRequest), _FORM: _content(LoginForm)}}
}

router = APIRouter(prefix="/api/auth", tags=["accounts"], dependencies=[Depends(_never_stored)])

# Every route here is `def`: hashing a password takes a good part of a second, and would hold up all others.


@router.post("/register", status_code=201, responses=error_responses(400, 403, 409, 422, 429, 503))
def register(request: Request, new: RegisterRequest, auth: TheAuth, database: TheDatabase) -> SessionAnswer:
    """Make an account and log in. Names and addresses that look alike count as the same."""
    peer = peer_of(request)
    if not request.app.state.settings.open_registration:
        security_event("registration.closed", peer=peer)
        raise Forbidden("Registration is closed here.", "Ask whoever runs this server for an account.")
    _counted(lambda: auth.limits.registration(peer), "registration.limited", peer=peer)
    user = database.users.create(new.username, email=new.email, hashed_password=auth.hash_password(new.password))
    audit("account.register", user=user.id, username=user.username, peer=peer)
    return _session(auth, user)


@router.post("/login", responses=error_responses(401, 415, 422, 429, 503), openapi_extra=_LOGIN_BODIES)
def log_in(request: Request, sent: Credentials, auth: TheAuth) -> SessionAnswer:
    """Log in with a user name or an e-mail address. An unknown user and a wrong password are answered alike."""
    peer, account = peer_of(request), sent.username
    _counted(lambda: auth.limits.login(account, peer), "login.limited", account=account, peer=peer)
    user = auth.user_with(account, sent.password)
    if user is None:
        security_event("login.failed", account=account, peer=peer)
        raise Unauthorised("The user name or the password is wrong.", "Check both and try again.")
    auth.limits.login_succeeded(account, peer)
    audit("account.login", user=user.id, peer=peer)
    return _session(auth, user)


@router.post("/refresh", responses=error_responses(400, 401, 422, 503))
def refresh(request: Request, sent: RefreshRequest, auth: TheAuth) -> SessionAnswer:
    """Change a renewal token for new tokens. It works once: a second use ends the whole log-in, wherever it is."""
    renewal = auth.renew(sent.refresh_token)
    if renewal.user is None or renewal.tokens is None:
        if renewal.reused_by is not None:
            security_event("session.renewal-reused", user=renewal.reused_by, peer=peer_of(request))
        raise Unauthorised("The renewal token is not valid.")
    return _answer(renewal.tokens, renewal.user)


@router.post("/logout", status_code=204, responses=error_responses(400, 401, 422, 503))
def log_out(session: CurrentSession, auth: TheAuth, how: LogoutRequest | None = None) -> None:
    """End this session, or every session of the account, at once."""
    everywhere = how is not None and how.everywhere
    auth.end_session(session)
    if everywhere:
        auth.end_all_sessions(session.user)
    audit("account.logout", user=session.user.id, everywhere=everywhere)


@router.get("/me", responses=error_responses(401, 503))
def who_am_i(user: CurrentUser) -> UserAnswer:
    """Whoever is logged in."""
    return UserAnswer.of(user)


@router.put("/password", responses=error_responses(400, 401, 403, 422, 429, 503))
def change_password(user: CurrentUser, change: PasswordChange, auth: TheAuth) -> SessionAnswer:
    """Change the password. Every other session of the account ends; the answer holds a new one."""
    _counted(lambda: auth.limits.password(user.id), "password.limited", user=user.id)
    if not auth.check_password(user, change.current_password):
        security_event("password.refused", user=user.id)
        raise Forbidden("The current password is wrong.", "Check it and try again.")
    auth.limits.password_proved(user.id)
    changed = auth.change_password(user, change.new_password)
    audit("account.password-changed", user=user.id)
    return _session(auth, changed)


@router.put("/github-token", responses=error_responses(400, 401, 422, 503))
def store_github_token(user: CurrentUser, sent: GithubToken, database: TheDatabase) -> UserAnswer:
    """Store a GitHub token, encrypted, in place of any earlier one."""
    changed = database.users.set_github_token(user.id, Secret(sent.token))
    audit("account.github-token-stored", user=user.id)
    return UserAnswer.of(changed)


@router.delete("/github-token", status_code=204, responses=error_responses(401, 503))
def forget_github_token(user: CurrentUser, database: TheDatabase) -> None:
    """Forget the stored GitHub token; fine when there is none."""
    database.users.set_github_token(user.id, None)
    audit("account.github-token-forgotten", user=user.id)


def _counted(count: Callable[[], None], event: str, **fields: object) -> None:
    try:
        count()
    except RateLimited:
        security_event(event, **fields)
        raise


def _session(auth: Auth, user: User) -> SessionAnswer:
    return _answer(auth.start_session(user), user)


def _answer(tokens: TokenPair, user: User) -> SessionAnswer:
    return SessionAnswer(
        access_token=tokens.access_token,
        expires_in=tokens.expires_in,
        refresh_token=tokens.refresh_token,
        user=UserAnswer.of(user),
    )
