"""The documents with butler.yml's keys: the repository's file and the request's overrides, each read and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from butler_file.keys import ButlerFile
from butler_file.mistakes import sentences
from compose_file.reading import ComposeText, is_blank, parse, parse_text
from robust_error_handler import Code, DeploymentFailed
from workspace import Workspace

NAMES = ("butler.yml", "butler.yaml")
OVERRIDES = "overrides"
REQUEST = "the request"
LONGEST_OVERRIDES_BYTES = 64 * 1024

_HINT = "Correct the lines shown and {again}; docs/butler.schema.json lists every key."
_KEEPS_EMPTY = "healthcheck"


@dataclass(frozen=True)
class Document:
    """What one document says: `values` without the author's own keys, `text` for the lines of a file."""

    values: Mapping[str, Any]
    text: ComposeText | None = None

    @property
    def is_request(self) -> bool:
        """Whether it is the request's word and no file of the repository."""
        return self.text is None

    def says(self, *keys: str) -> bool:
        """Whether it has something to say under these keys."""
        return self.value(*keys) not in (None, {})

    def value(self, *keys: str) -> Any:
        """What it says under these keys; None where that is nothing."""
        found: Any = self.values
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    def where(self, *keys: str) -> str:
        """`run.port in butler.yml, line 7`, or `run.port in the request`."""
        name = ".".join(keys)
        if self.text is None:
            return f"{name} in {REQUEST}"
        line = self.text.line(*keys)
        return f"{name} in {self.text.name}{f', line {line}' if line else ''}"


def find(workspace: Workspace) -> Document | None:
    """The butler.yml of the folder that is deployed, not checked yet; None where there is none.

    Raises DeploymentFailed (BUTLER_FILE_INVALID) where it cannot be read.
    """
    name = next((name for name in NAMES if workspace.exists(name) and not is_blank(workspace.read_text(name))), None)
    if name is None:
        return None
    try:
        text = parse(workspace.root / name, f"{workspace.subdirectory}/{name}".lstrip("/"))
    except DeploymentFailed as error:
        raise _unreadable(error, Code.BUTLER_FILE_INVALID) from error
    return Document(_without_own(text.model), text)


def read_overrides(sent: str | Mapping[str, Any]) -> dict[str, Any] | None:
    """The request's overrides as they are kept; None where they say nothing. Text may be YAML or JSON.

    Raises DeploymentFailed (OVERRIDES_INVALID) with all mistakes at once, each with its line where it was text.
    """
    if isinstance(sent, Mapping):
        return _kept(_without_own(sent), OVERRIDES, None)
    if is_blank(sent):
        return None
    if len(sent.encode("utf-8", "surrogatepass")) > LONGEST_OVERRIDES_BYTES:
        message = f"{OVERRIDES} are larger than {LONGEST_OVERRIDES_BYTES // 1024} KiB."
        raise DeploymentFailed(Code.OVERRIDES_INVALID, message, "Say less, or put it into the repository's butler.yml.")
    try:
        text = parse_text(sent, OVERRIDES)
    except DeploymentFailed as error:
        model = _as_json(sent)
        if model is None:
            raise _unreadable(error, Code.OVERRIDES_INVALID) from error
        return _kept(model, OVERRIDES, None)
    return _kept(_without_own(text.model), OVERRIDES, text)


def checked(values: Mapping[str, Any], name: str, text: ComposeText | None, code: Code) -> ButlerFile:
    """What the values mean. Raises DeploymentFailed with a sentence for each mistake, in the order of the text."""
    try:
        return ButlerFile.model_validate(values)
    except ValidationError as error:
        found = sentences(error, name, text)
        rest = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise DeploymentFailed(code, f"{found[0]}{rest}", _hint(code), found) from error


def _kept(values: Mapping[str, Any], name: str, text: ComposeText | None) -> dict[str, Any] | None:
    """The values in the one form in which they are compared and stored."""
    file = checked(values, name, text, Code.OVERRIDES_INVALID)
    return _without_empty(file.model_dump(mode="json", exclude_unset=True)) or None


def _as_json(sent: str) -> Mapping[str, Any] | None:
    """JSON that is no YAML, because of tabs or escapes, without its author's own keys."""
    try:
        found = _without_own(json.loads(sent))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, Mapping) else None


def _without_own(value: Any) -> Any:
    """The document without the author's own keys (`x-...`); a section that is left empty says nothing."""
    if not isinstance(value, Mapping):
        return value
    kept = {key: _without_own(item) for key, item in value.items() if not str(key).startswith("x-")}
    return {key: item for key, item in kept.items() if item is not None}


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: _without_empty(item) if isinstance(item, Mapping) else item for key, item in values.items()}
    return {key: item for key, item in kept.items() if item is not None and (item != {} or key == _KEEPS_EMPTY)}


def _unreadable(error: DeploymentFailed, code: Code) -> DeploymentFailed:
    message = error.message.replace("with `services:`", "of keys")
    return DeploymentFailed(code, message, _hint(code), error.lines)


def _hint(code: Code) -> str:
    return _HINT.format(again="deploy again" if code is Code.BUTLER_FILE_INVALID else "send it again")
