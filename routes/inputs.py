"""The form fields of a repository, shared by deploying and planning.

The patterns describe the usual forms; what is sent is judged by `workspace`, `env_file` and `butler_file`, whose
messages say more.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form, Header

LONGEST_ADDRESS = 1000
_USER = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}@"
_HOST = r"[A-Za-z0-9]([A-Za-z0-9-]{0,40}[A-Za-z0-9])?(\.[A-Za-z][A-Za-z0-9]{1,20})+"
_PATH = r"[A-Za-z0-9_][A-Za-z0-9._~+@=-]{0,99}(/[A-Za-z0-9_][A-Za-z0-9._~+@=-]{0,99})*/?"
_WORDS = r"[A-Za-z0-9_]+([._+@#=-][A-Za-z0-9_]+)*"
_FOLDER = r"[.@+~(\[]?[\p{L}\p{N}_][\p{L}\p{N}_ .@+~()\[\]=,-]*"

ADDRESS: dict[str, Any] = {
    "pattern": rf"^((https|ssh)://({_USER})?{_HOST}(:[1-9][0-9]{{0,3}})?/{_PATH}|{_USER}{_HOST}:{_PATH})$",
    "maxLength": LONGEST_ADDRESS,
}
BRANCH: dict[str, Any] = {"pattern": rf"^({_WORDS}(/{_WORDS})*)?$", "maxLength": 200}
FOLDER: dict[str, Any] = {"pattern": rf"^({_FOLDER}(/{_FOLDER})*)?/?$", "maxLength": 200}
VARIABLES: dict[str, Any] = {
    "pattern": r"^((#[^\r\n]*|(export )?[A-Za-z_][A-Za-z0-9_]{0,127}=[A-Za-z0-9_.:/@%+-]*)?(\n|$))*$",
    "maxLength": 65536,
}
OVERRIDES: dict[str, Any] = {
    "pattern": r"^(run: \{(port: [1-9][0-9]{0,3})?\}\n)?(build: \{(command: '[a-z]+( [a-z]+)*')?\}\n)?$",
    "maxLength": 65536,
}
ABOUT_ADDRESS = "Address of the repository: https, ssh, or `git@host:path`."
ABOUT_BRANCH = "Branch or tag; the repository's default branch without it."
ABOUT_FOLDER = "Folder in the repository; its root without it."

GitUrl = Annotated[
    str,
    Form(description=ABOUT_ADDRESS, examples=["https://github.com/user/repo.git"], json_schema_extra=ADDRESS),
]
Branch = Annotated[str | None, Form(description=ABOUT_BRANCH, json_schema_extra=BRANCH)]
Folder = Annotated[str | None, Form(description=ABOUT_FOLDER, json_schema_extra=FOLDER)]
ABOUT_OVERRIDES = (
    "What beats the repository's butler.yml and what is detected, with that file's keys, as YAML or JSON. An app keeps "
    "its overrides where the field is not sent, and loses them by an empty text."
)
Overrides = Annotated[
    str | None,
    Form(description=ABOUT_OVERRIDES, examples=["run: {port: 4000}\n"], json_schema_extra=OVERRIDES),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern="^[!-~]+$",
        min_length=1,
        max_length=255,
        description="Made up by the client, such as a UUID: the same key means the same deployment for 24 hours.",
    ),
]
