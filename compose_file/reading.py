"""Turns the text of a Compose file into plain values and remembers on which line each key stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from robust_error_handler import Code, DeploymentFailed

FILE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""In the order in which Compose itself looks for them."""

_MAX_BYTES = 256 * 1024
_MAX_NODES = 20_000
_MAX_DEPTH = 50
_FIX = "Correct the file; `docker compose config` on your machine shows the same mistake."


@dataclass(frozen=True)
class ComposeText:
    """A Compose file that was read: its name for messages, its values, and its YAML tree for line numbers."""

    name: str
    path: Path
    model: dict[str, Any]
    tree: yaml.Node | None = field(default=None, repr=False, compare=False)
    missing_env_files: tuple[Path, ...] = ()

    def line(self, *keys: str | int) -> int | None:
        """The line of a key (`line("services", "web", "privileged")`), or of the nearest one above it that is there.

        None where not even the first key is in this file (it may come from another file that this one extends).
        """
        node, line = self.tree, None
        for key in keys:
            found = _child(node, key)
            if found is None:
                break
            line, node = found
        return line

    def exact_line(self, *keys: str | int) -> int | None:
        """The line of a key that is in this file itself; None where it is not."""
        node, line = self.tree, None
        for key in keys:
            found = _child(node, key)
            if found is None:
                return None
            line, node = found
        return line

    def where(self, *keys: str | int) -> str:
        """`line 7 of docker-compose.yml`, or only the file's name where the line is not known."""
        line = self.line(*keys)
        return f"line {line} of {self.name}" if line else self.name


class _Loader(yaml.CSafeLoader):
    """YAML 1.2's plain values, as Compose reads them: `on` is text, and so is `22:22` (base 60 in YAML 1.1)."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int | str:
    """A number; one with a leading zero stays text (a file mode or an identifier, octal in YAML 1.1)."""
    digits = node.value.lstrip("+-")
    if len(digits) > 18 or (len(digits) > 1 and digits.startswith("0")):
        return str(node.value)
    return int(node.value)


def _untagged(loader: yaml.SafeLoader, node: yaml.Node) -> object:
    """The value under Compose's own `!reset` and `!override`."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value


def _refused_tag(loader: yaml.SafeLoader, node: yaml.Node) -> None:
    """Tags whose value (or key!) Compose would read otherwise than this loader: no Compose file needs them."""
    short = node.tag.rpartition(":")[2]
    raise yaml.constructor.ConstructorError(None, None, f"the tag !!{short} is not allowed", node.start_mark)


for _tag in ("binary", "set", "omap", "pairs", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _refused_tag)
_Loader.add_constructor("tag:yaml.org,2002:int", _decimal)
_Loader.add_constructor("!reset", _untagged)
_Loader.add_constructor("!override", _untagged)


def is_blank(text: str | None) -> bool:
    """Whether a file holds nothing but white space, comments and document marks."""
    lines = (line.strip() for line in (text or "").splitlines())
    return all(not line or line.startswith("#") or line in ("---", "...") for line in lines)


def parse(path: Path, name: str) -> ComposeText:
    """Read a file whose place was checked. `name` is what messages call it.

    Raises DeploymentFailed(COMPOSE_INVALID) when it is too large, expands to too much, or is not a mapping.
    """
    return parse_text(_content(path, name), name, path)


def parse_text(content: str, name: str, path: Path = Path()) -> ComposeText:
    """Read a document that is at hand. `name` is what messages call it, `path` where it lies, if anywhere.

    Raises DeploymentFailed(COMPOSE_INVALID) when it expands to too much, or is not a mapping.
    """
    try:
        _check_depth(content, name)
        loader = _Loader(content)
        try:
            tree = loader.get_single_node()
            if tree is not None and _expanded_size(tree, {}, set()) > _MAX_NODES:
                raise _invalid(f"{name} expands to more than {_MAX_NODES} values.", "Use fewer YAML aliases.")
            model = loader.construct_document(tree) if tree is not None else None
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise _yaml_mistake(error, content, name) from error
    if not isinstance(model, dict):
        raise _invalid(f"{name} does not hold a mapping with `services:`.", _FIX)
    return ComposeText(name, path, _with_text_keys(model, name), tree)


def services_of(model: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The services of a raw or resolved model; what is not a mapping counts as an empty one."""
    services = model.get("services")
    if not isinstance(services, Mapping):
        return {}
    return {str(name): dict(body) if isinstance(body, Mapping) else {} for name, body in services.items()}


def _content(path: Path, name: str) -> str:
    with path.open("rb") as file:
        raw = file.read(_MAX_BYTES + 1)
    if len(raw) > _MAX_BYTES:
        raise _invalid(f"{name} is larger than {_MAX_BYTES // 1024} KiB.", "Split it, or move data into files.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _invalid(f"{name} is not UTF-8 text (line {line}).", "Save the file as UTF-8.") from error


def _check_depth(content: str, name: str) -> None:
    """Count the nesting by events first: composing a tree recurses, in C."""
    depth = events = 0
    for event in yaml.parse(content, Loader=_Loader):
        events += 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise _invalid(f"{name} is nested more than {_MAX_DEPTH} levels deep (line {line}).", _FIX)
        if events > 3 * _MAX_NODES:
            raise _invalid(f"{name} holds more than {_MAX_NODES} values.", "Split it into smaller stacks.")


def _expanded_size(node: yaml.Node, known: dict[int, int], open_nodes: set[int]) -> int:
    """How many values a node stands for once every alias is written out."""
    if id(node) in open_nodes:
        return _MAX_NODES + 1  # an alias inside what it points to never ends
    if id(node) not in known:
        open_nodes.add(id(node))
        known[id(node)] = 1 + sum(_expanded_size(child, known, open_nodes) for child in _children(node))
        open_nodes.discard(id(node))
    return known[id(node)]


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value


def _child(node: yaml.Node | None, key: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode):
        if isinstance(key, int) and 0 <= key < len(node.value):
            return node.value[key].start_mark.line + 1, node.value[key]
        return None
    if not isinstance(node, yaml.MappingNode):
        return None
    for name, value in node.value:
        if name.value == str(key):
            return name.start_mark.line + 1, value
    return _merged_child(node, key)


def _merged_child(node: yaml.MappingNode, key: str | int) -> tuple[int, yaml.Node] | None:
    for name, value in node.value:
        if name.value != "<<":
            continue
        for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            found = _child(source, key)
            if found is not None:
                return found
    return None


def _with_text_keys(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        if "<<" in value:  # a quoted merge key is an ordinary key to one parser and a merge to another
            raise _invalid(f'{name} has the key "<<" in quotes.', "Write << without quotes to merge a mapping.")
        return {str(key): _with_text_keys(item, name) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_text_keys(item, name) for item in value]
    return value


def _yaml_mistake(error: Exception, content: str, name: str) -> DeploymentFailed:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    if mark is None:
        return _invalid(f"{name} is not valid YAML: {problem}.", _FIX)
    lines = content.splitlines()
    shown = lines[mark.line] if mark.line < len(lines) else ""
    message = f"{name} is not valid YAML: {problem} (line {mark.line + 1})."
    return _invalid(message, _FIX, [f"{name}:{mark.line + 1}: {shown}"])


def _invalid(message: str, hint: str, lines: list[str] | None = None) -> DeploymentFailed:
    return DeploymentFailed(Code.COMPOSE_INVALID, message, hint, lines or [])
