"""Has Compose itself read, merge and interpolate a repository's file, with nothing of the server's in reach."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

import shell
from compose_file import ComposeText
from domain import Emit, Event, EventKind, Stage
from robust_error_handler import ButlerError, Code, CommandFailed, CommandTimedOut, DeploymentFailed
from settings import tool_environment
from workspace import Workspace

CONFIG_SECONDS = 30
_CONFIG_MEMORY_BYTES = 4 * 1024**3  # of address space, of which Go programs reserve far more than they use
_LONGEST_WORDS = 400
_MAX_MODEL_BYTES = 8 * 1024 * 1024
_MAX_DOTENV_BYTES = 256 * 1024

PINNED_ENVIRONMENT = {
    "DOCKER_API_VERSION": "",
    "DOCKER_CERT_PATH": "",
    "DOCKER_CONTENT_TRUST": "",
    "DOCKER_CONTEXT": "",
    "DOCKER_DEFAULT_PLATFORM": "",
    "DOCKER_HOST": "",
    "DOCKER_TLS_VERIFY": "",
    "COMPOSE_EXPERIMENTAL_GIT_REMOTE": "false",
    "COMPOSE_EXPERIMENTAL_OCI_REMOTE": "false",
    "COMPOSE_DISABLE_ENV_FILE": "1",
    "COMPOSE_PROFILES": "",
    "COMPOSE_FILE": "",
    "COMPOSE_ENV_FILES": "",
    "COMPOSE_PATH_SEPARATOR": ":",
    "COMPOSE_PROJECT_NAME": "",
}
"""What an env file must not set for the client: Compose takes variables from it that its own environment lacks."""


@dataclass(frozen=True)
class Resolved:
    """What Compose made of a file: the services that run by default, their values plain (no `$$`).

    `variables` are those that the file could be filled with. A print shows none of them.
    """

    model: dict[str, Any] = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    notes: tuple[str, ...] = ()


def config_argv(file: Path, project: str, env_file: Path, result: Path) -> list[str]:
    """`docker compose config` on exactly this file; profiles on, so that a name in one is not an unknown name."""
    return [
        *("docker", "compose", "--profile", "*", "--file", str(file), "--project-directory", str(file.parent)),
        *("--project-name", project, "--env-file", str(env_file), "config", "--format", "json"),
        *("--output", str(result)),
    ]


async def resolve(
    text: ComposeText,
    workspace: Workspace,
    *,
    project: str,
    variables: Mapping[str, str],
    emit: Emit,
) -> Resolved:
    """The model that Compose makes of a file that `compose_file.read` has checked.

    `variables` (the user's) beat the `.env` beside the file. Raises DeploymentFailed: COMPOSE_INVALID with Compose's
    words and the line, MISSING_VARIABLE with the name; ButlerError(TOOL_MISSING) where Compose v2 is not there.
    """
    filled = {**_dotenv(workspace, text), **variables}
    for missing in text.missing_env_files:
        _stand_in(missing, text, workspace, emit)
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="butler-compose-"))
    try:
        content = await _config(text, folder, project, filled, emit)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    model = _plain(json.loads(content))
    active = {part.strip() for part in filled.get("COMPOSE_PROFILES", "").split(",") if part.strip()}
    model["services"], notes = _default_services(model.get("services") or {}, active)
    if not model["services"]:
        message = f"{text.name} starts nothing: all its services belong to profiles."
        raise DeploymentFailed(Code.COMPOSE_INVALID, message, "Set COMPOSE_PROFILES=... in backend_env, or drop them.")
    return Resolved(model, filled, notes)


def env_file_text(variables: Mapping[str, str]) -> str:
    """Variables in Compose's own env-file form, quoted so that every value arrives as it is."""
    return "".join(f"{name}={_quoted(value)}\n" for name, value in variables.items())


def escaped(value: Any) -> Any:
    """A plain value as it stands in a Compose file, where `$` is written `$$`."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: escaped(item) for key, item in value.items()}
    return [escaped(item) for item in value] if isinstance(value, (list, tuple)) else value


def tool_missing(words: str) -> ButlerError | None:
    """The error for a docker without Compose v2, or None when these words say something else."""
    if not re.search(
        r"is not a docker command|unknown shorthand flag|unknown flag: --(?:profile|file)|unknown command", words
    ):
        return None
    old = " Only the old docker-compose (v1) is there, which is no longer maintained." if _has_v1() else ""
    return ButlerError(
        f"Docker Compose v2 (the `docker compose` plugin) is not installed on the server.{old}",
        "Install it on the server (Debian and Ubuntu: `apt-get install docker-compose` or `docker-compose-plugin`; "
        "`./butler` does it where it may), then deploy again.",
        Code.TOOL_MISSING,
        503,
    )


async def _config(text: ComposeText, folder: Path, project: str, variables: Mapping[str, str], emit: Emit) -> str:
    env_file, result = folder / "variables", folder / "model.json"
    said: list[str] = []
    env_file.touch(mode=0o600)
    env_file.write_text(env_file_text(variables), encoding="utf-8", errors="surrogateescape")
    try:
        await shell.stream(
            config_argv(text.path, project, env_file, result),
            said.append,
            timeout_seconds=CONFIG_SECONDS,
            waiting_for="Compose to read the file",
            env={**PINNED_ENVIRONMENT, **engine_environment()},
            max_memory_bytes=_CONFIG_MEMORY_BYTES,
        )
        content = result.read_bytes()
    except CommandTimedOut as error:
        message = f"{text.name} took Compose more than {CONFIG_SECONDS} s to read."
        raise DeploymentFailed(Code.COMPOSE_INVALID, message, "Make the file smaller.", error.tail) from error
    except CommandFailed as error:
        raise _explained(error, text) from error
    if len(content) > _MAX_MODEL_BYTES:
        raise DeploymentFailed(Code.COMPOSE_INVALID, f"{text.name} becomes too large.", "Make the file smaller.")
    _warn(said, emit)
    return content.decode("utf-8", "replace")


def engine_environment() -> dict[str, str]:
    """The operator's own way to the engine, which the pins above would hide."""
    return {name: value for name, value in tool_environment().items() if name in PINNED_ENVIRONMENT}


def _dotenv(workspace: Workspace, text: ComposeText) -> dict[str, str]:
    """The `.env` beside the Compose file, as Compose would read it by itself."""
    beside = os.path.relpath(text.path.parent / ".env", workspace.root)
    content = workspace.read_text(beside, _MAX_DOTENV_BYTES)
    if content is None:
        return {}
    values = dotenv_values(stream=io.StringIO(content), interpolate=False)
    return {name: _expanded(value, values) for name, value in values.items() if value is not None}


def _expanded(value: str, others: Mapping[str, str | None]) -> str:
    """`${OTHER}` within a `.env` is one of its own names; what it does not name becomes nothing."""
    return re.sub(r"\$\{(\w+)(?::?-([^}]*))?\}", lambda match: others.get(match[1]) or match[2] or "", value)


def _stand_in(missing: Path, text: ComposeText, workspace: Workspace, emit: Emit) -> None:
    """An empty env file where the repository names one that it does not hold (it is commonly git-ignored)."""
    shown = os.path.relpath(missing, text.path.parent)
    missing.parent.mkdir(parents=True, exist_ok=True)
    missing.touch(exist_ok=True)
    message = f"{text.name} names the env file {shown}, which is not in the repository; backend_env takes its place."
    emit(Event(EventKind.WARNING, Stage.DETECT, message))


def _quoted(value: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r"}
    return '"' + "".join(escapes.get(character, character) for character in value) + '"'


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, dict):
        return {key.replace("$$", "$"): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _default_services(services: Mapping[str, Any], active: set[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The services without a profile (or in an active one), and whatever those depend on."""
    chosen = [
        name
        for name, body in services.items()
        if not body.get("profiles") or active & set(body["profiles"]) or "*" in active
    ]
    notes = []
    for name in chosen:
        for other in services[name].get("depends_on") or {}:
            if other in services and other not in chosen:
                chosen.append(other)
                notes.append(f'Service "{other}" belongs to a profile and is started because "{name}" depends on it.')
    left_out = [name for name in services if name not in chosen]
    if left_out:
        notes.append(f"Not started, because they belong to profiles: {', '.join(left_out)}.")
    return {name: services[name] for name in services if name in chosen}, tuple(notes)


def _warn(said: list[str], emit: Emit) -> None:
    unset = []
    for line in said:
        words = _message(line)
        variable = re.search(r'The "(\w+)" variable is not set', words)
        if variable:
            unset.append(variable[1])
        elif words and "is obsolete" not in words:
            emit(Event(EventKind.WARNING, Stage.DETECT, f"Compose: {words}"))
    if unset:
        names = ", ".join(dict.fromkeys(unset))
        text = f"The Compose file uses variables that are not set and stay empty: {names}. Give them in backend_env."
        emit(Event(EventKind.WARNING, Stage.DETECT, text, detail={"variables": list(dict.fromkeys(unset))}))


def _message(line: str) -> str:
    """The words of one of Compose's log lines."""
    match = re.search(r'msg="((?:[^"\\]|\\.)*)"', line)
    return match[1].replace('\\"', '"') if match else line.strip()


def _explained(error: CommandFailed, text: ComposeText) -> ButlerError:
    words = " ".join(_message(line) for line in error.tail if "level=warning" not in line) or "no reason given"
    missing = tool_missing(words)
    if missing:
        return missing
    if "cannot allocate memory" in words:
        message = f"{text.name} needs more memory to read than a Compose file may take."
        return DeploymentFailed(Code.COMPOSE_INVALID, message, "Make the file smaller; use fewer YAML aliases.")
    words = words.replace(f"{text.path.parent}/", "").replace(str(text.path.parent), ".")[:_LONGEST_WORDS]
    variable = re.search(r"required variable (\w+) is missing a value(?:: (.*))?", words)
    if variable:
        reason = f" ({variable[2].strip()})" if variable[2] else ""
        message = f"{text.name} needs the variable {variable[1]}, which is not set{reason}."
        hint = f"Add {variable[1]}=... to backend_env and deploy again."
        return DeploymentFailed(Code.MISSING_VARIABLE, message, hint, _place(words, text, variable[1]))
    hint = "Correct the Compose file; `docker compose config` in the repository shows the same message."
    return DeploymentFailed(Code.COMPOSE_INVALID, f"Compose refuses {text.name}: {words}", hint, _place(words, text))


def _place(words: str, text: ComposeText, variable: str | None = None) -> list[str]:
    """The line of the file that a message of Compose is about, as far as it says."""
    path = re.search(r"\b(services|volumes|networks|secrets|configs)\.([\w.\-\[\]]+)", words)
    service = re.search(r'service "([^"]+)"', words)
    keys: list[str | int] = []
    if path:
        parts = re.findall(r"[\w\-]+", path[2])
        keys = [path[1], *(int(part) if part.isdigit() else part for part in parts)]
    elif service:
        keys = ["services", service[1]]
    line = text.line(*keys) if keys else None
    source = text.path.read_text(encoding="utf-8", errors="replace").splitlines()
    if variable:
        named = re.compile(rf"\$\{{{re.escape(variable)}\b")
        line = next((number for number, row in enumerate(source, 1) if named.search(row)), line)
    return [f"{text.name}:{line}: {source[line - 1]}"] if line and line <= len(source) else [words]


def _has_v1() -> bool:
    return shutil.which("docker-compose") is not None
