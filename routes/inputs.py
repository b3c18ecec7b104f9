"""The form fields of a repository, shared by deploying and planning.

The patterns describe the usual forms; what is sent is judged by `workspace` and `env_file`, whose messages say more.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form

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
ABOUT_ADDRESS = "Address of the repository: https, ssh, or `git@host:path`."
ABOUT_BRANCH = "Branch or tag; the repository's default branch without it."
ABOUT_FOLDER = "Folder in the repository; its root without it."

GitUrl = Annotated[
    str,
    Form(description=ABOUT_ADDRESS, examples=["https://github.com/user/repo.git"], json_schema_extra=ADDRESS),
]
Branch = Annotated[str | None, Form(description=ABOUT_BRANCH, json_schema_extra=BRANCH)]
Folder = Annotated[str | None, Form(description=ABOUT_FOLDER, json_schema_extra=FOLDER)]
