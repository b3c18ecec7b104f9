"""The questions that a strategy may ask of a checkout, all confined to it: no link leads out, no file is read whole."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import stat
import tomllib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from robust_error_handler import BadRequest, Code, DeploymentFailed
from workspace.facts import Fact

T = TypeVar("T")

TEXT_LIMIT_BYTES = 1024 * 1024
DOCUMENT_LIMIT_BYTES = {"json": 16 * 1024 * 1024, "toml": 4 * 1024 * 1024, "yaml": 4 * 1024 * 1024}
MAX_YAML_DEPTH = 100
MAX_YAML_PAIRS = 200_000
MAX_YAML_MERGES = 32
MAX_FILES = 20_000
MAX_DEPTH = 24
SKIPPED_FOLDERS = frozenset({".git", "node_modules", ".venv", "__pycache__"})

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
# Each alternative also ends at the end of the text: an unclosed one must not be tried again from every character.
_COMMENT_OR_STRING = re.compile(r'("(?:[^"\\]|\\.)*(?:"|\\?\Z))|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*(?:"|\\?\Z))|,(?=\s*[}\]])', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class _YamlLoader(yaml.CSafeLoader):
    """The safe loader, and merge keys (`<<`) that multiply themselves end early."""

    _pairs = 0

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        merges = [value for key, value in node.value if key.tag == "tag:yaml.org,2002:merge"]
        if any(isinstance(value, yaml.SequenceNode) and len(value.value) > MAX_YAML_MERGES for value in merges):
            raise yaml.YAMLError("too many merged mappings")
        super().flatten_mapping(node)
        self._pairs += len(node.value)
        if self._pairs > MAX_YAML_PAIRS:
            raise yaml.YAMLError("too many merged keys")


@dataclass(frozen=True)
class Workspace:
    """A checkout and the folder in it that is deployed.

    Paths are relative to `root`, with `/`; `..` may lead up to `checkout` but never out of it. `subdirectory` is
    where `root` lies in `checkout`: "" or "a/b". `told` is what somebody says of it (`version`, `package_manager`)
    whatever its files say.
    """

    checkout: Path
    root: Path
    subdirectory: str = ""
    told: Mapping[str, Fact] = field(default_factory=dict, hash=False)
    _documents: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False, compare=False)

    def telling(self, **told: Fact) -> Workspace:
        """The same folder with what somebody says of it, and nothing else; what was found out before is forgotten."""
        return Workspace(self.checkout, self.root, self.subdirectory, told)

    def exists(self, path: str) -> bool:
        """Whether there is a regular file (or a link to one inside the checkout)."""
        return self._regular(path) is not None

    def is_dir(self, path: str) -> bool:
        """Whether there is a folder (or a link to one inside the checkout)."""
        place = self._inside(path)
        return place is not None and place.is_dir()

    def read_text(self, path: str, limit: int = TEXT_LIMIT_BYTES) -> str | None:
        """The first `limit` bytes of a file as text, whatever its encoding; None when there is no such file."""
        place = self._regular(path)
        content = None if place is None else _read(place, limit)
        return None if content is None else _decoded(content)

    def json(self, path: str) -> dict[str, Any] | None:
        """A JSON object (comments and trailing commas are forgiven); None when absent, unreadable or no object."""
        return self._mapping("json", path)

    def toml(self, path: str) -> dict[str, Any] | None:
        """A TOML document; None when absent or unreadable."""
        return self._mapping("toml", path)

    def yaml(self, path: str) -> Any | None:
        """The first YAML document, plain types only; None when absent or unreadable."""
        return self._document("yaml", path)

    def remembered(self, name: str, make: Callable[[], T]) -> T:
        """What `make` finds out, once for this workspace: several strategies ask the same of large files."""
        key = ("remembered", name)
        if key not in self._documents:
            self._documents[key] = make()
        found: T = self._documents[key]
        return found

    def files(self) -> tuple[str, ...]:
        """All regular files under the root, sorted; the ones nearest to the root if there are too many."""
        return self._files

    def glob(self, pattern: str) -> tuple[str, ...]:
        """The files that a pattern names: `*` and `?` stay within one folder, `**/` spans any number of them."""
        matches = _glob(pattern).fullmatch
        return tuple(path for path in self._files if matches(path))

    @cached_property
    def _files(self) -> tuple[str, ...]:
        found: list[str] = []
        for path in self._walk():
            found.append(path)
            if len(found) >= MAX_FILES:
                break
        return tuple(sorted(found))

    def _walk(self) -> Iterator[str]:
        """Breadth first, so that a cap keeps what lies near the root."""
        pending = deque([("", 0)])
        while pending:
            folder, depth = pending.popleft()
            for entry in _entries(self.root / folder):
                path = f"{folder}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in SKIPPED_FOLDERS and depth < MAX_DEPTH:
                        pending.append((f"{path}/", depth + 1))
                elif entry.is_file(follow_symlinks=False) or (entry.is_symlink() and self.exists(path)):
                    yield path

    def _inside(self, path: str) -> Path | None:
        """Where a path leads once all links are followed; None if that is outside the checkout or broken."""
        if "\0" in path or os.path.isabs(path):
            return None
        try:
            place = (self.root / path).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            return None
        inside = place.is_relative_to(self.checkout) and ".git" not in place.relative_to(self.checkout).parts
        return place if inside else None

    def _regular(self, path: str) -> Path | None:
        place = self._inside(path)
        return place if place is not None and place.is_file() else None

    def _mapping(self, language: str, path: str) -> dict[str, Any] | None:
        document = self._document(language, path)
        return document if isinstance(document, dict) else None

    def _document(self, language: str, path: str) -> Any | None:
        key = (language, path)
        if key not in self._documents:
            text = self.read_text(path, DOCUMENT_LIMIT_BYTES[language])
            self._documents[key] = None if text is None else _parsed(language, text)
        return self._documents[key]


def open_folder(path: Path, subdirectory: str | None = None) -> Workspace:
    """A folder on this machine as a workspace; no Git needed.

    Raises BadRequest when there is no such folder, DeploymentFailed when it has no such subdirectory.
    """
    checkout = path.resolve()
    if not checkout.is_dir():
        raise BadRequest(f"There is no folder {str(path)!r}.", "Give the path of an existing folder.")
    inner = "/".join(part for part in (subdirectory or "").split("/") if part not in ("", "."))
    workspace = Workspace(checkout, checkout)
    if not inner:
        return workspace
    place = workspace._inside(inner)
    if place is None or not place.is_dir():
        raise DeploymentFailed(
            Code.NOTHING_RECOGNISED,
            f"The repository has no folder {inner!r}.",
            f"Correct the subdirectory, or leave it empty. {_folders_hint(checkout)}",
        )
    return Workspace(checkout, place, place.relative_to(checkout).as_posix())


def _folders_hint(checkout: Path) -> str:
    names = sorted(e.name for e in _entries(checkout) if e.is_dir(follow_symlinks=False) and e.name != ".git")
    if not names:
        return "It has no folders at all."
    shown = ", ".join(names[:12])
    return f"Its folders: {shown}{' and more' if len(names) > 12 else ''}."


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What a folder holds, without names that no person would type: control characters, bytes that are no UTF-8."""
    try:
        with os.scandir(folder) as entries:
            return sorted((entry for entry in entries if entry.name.isprintable()), key=lambda entry: entry.name)
    except OSError:
        return []


def _read(place: Path, limit: int) -> bytes | None:
    try:
        # The path is resolved already: whatever is a link or a pipe by now was put there since.
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            return file.read(limit) if stat.S_ISREG(os.fstat(handle).st_mode) else None
    except OSError:
        return None


def _decoded(content: bytes) -> str:
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return content[len(bom) :].decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        cut_in_a_character = error.reason == "unexpected end of data" and error.start > len(content) - 4
        return content.decode("utf-8", "ignore") if cut_in_a_character else content.decode("latin-1")


def _parsed(language: str, text: str) -> Any | None:
    """The document, or None: a repository may hold anything, and no parser's complaint is worth stopping for."""
    try:
        if language == "json":
            return _json(text)
        if language == "toml":
            return tomllib.loads(text)
        return _yaml(text)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError, yaml.YAMLError):
        return None


def _json(text: str) -> Any:
    try:
        document = json.loads(text)
    except ValueError:
        plain = _COMMENT_OR_STRING.sub(lambda found: found[1] or " ", text)
        document = json.loads(_TRAILING_COMMA.sub(lambda found: found[1] or "", plain))
    if _SURROGATE_ESCAPE.search(text):
        # Half an emoji is legal JSON and cannot be written to any file or response.
        document = json.loads(
            json.dumps(document, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        )
    return document


def _yaml(text: str) -> Any:
    """The first document; its depth is measured first, because libyaml's composer overflows the C stack at some."""
    depth = 0
    for event in yaml.parse(text, yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_YAML_DEPTH:
                raise yaml.YAMLError("nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return next(iter(yaml.load_all(text, _YamlLoader)), None)


@lru_cache(maxsize=256)
def _glob(pattern: str) -> re.Pattern[str]:
    """`**/` is any number of folders, `*` and `?` anything but `/`, `[...]` a set, `{a,b}` a choice."""
    tokens = re.compile(r"\*\*/|\*\*|\*|\?|\[[^\]/]+\]|\{[^{}/]+\}|.", re.DOTALL)
    return re.compile("".join(_glob_token(token[0]) for token in tokens.finditer(pattern)), re.DOTALL)


def _glob_token(token: str) -> str:
    plain = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in plain:
        return plain[token]
    if len(token) > 2 and token[0] == "{":
        return "(?:" + "|".join(re.escape(choice) for choice in token[1:-1].split(",")) + ")"
    if len(token) > 2 and token[0] == "[":
        return fnmatch.translate(token).removesuffix(r"\Z")
    return re.escape(token)
