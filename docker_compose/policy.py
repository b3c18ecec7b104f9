"""What a Compose stack may ask of a host that others share: an allow-list over the resolved model, key by key."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from compose_file import ComposeText
from docker_compose.policy_words import BUILD_REASONS, REASONS, UNKNOWN
from robust_error_handler import Code, DeploymentFailed

KEPT_KEYS = frozenset(
    {
        "build", "cap_drop", "command", "configs", "depends_on", "domainname", "entrypoint", "environment", "expose",
        "extra_hosts", "healthcheck", "hostname", "image", "init", "links", "networks", "post_start", "pre_stop",
        "read_only", "secrets", "shm_size", "stdin_open", "stop_grace_period", "stop_signal", "tmpfs", "tty",
        "ulimits", "user", "volumes", "working_dir",
    }
)  # fmt: skip
"""Keys of a service that reach the final file, as written or narrowed."""

REWRITTEN_KEYS = frozenset(
    {
        "annotations", "attach", "container_name", "cpu_count", "cpu_percent", "cpu_shares", "cpus", "deploy", "develop",
        "env_file", "extends", "labels", "logging", "mem_limit", "mem_reservation", "memswap_limit", "pids_limit",
        "platform", "ports", "profiles", "pull_policy", "restart", "scale",
    }
)  # fmt: skip
"""Keys of a service that are understood and replaced by the Butler's own values, or dropped."""

BUILD_KEYS = frozenset(
    {
        "args", "cache_from", "cache_to", "context", "dockerfile", "dockerfile_inline", "labels", "no_cache",
        "platforms", "pull", "secrets", "shm_size", "tags", "target",
    }
)  # fmt: skip
TOP_LEVEL_KEYS = frozenset({"name", "version", "services", "networks", "volumes", "secrets", "configs", "include"})

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_HINT = "Change the Compose file as the lines say, push, and deploy again."
_SOCKET = re.compile(r"(?:^|/)(?:docker|containerd|podman)(?:/[\w.-]+)*\.sock$")


def check(model: Mapping[str, Any], text: ComposeText, checkout: Path) -> None:
    """Raise DeploymentFailed(COMPOSE_REFUSED) with one line for everything in the stack that may not run here."""
    findings = refusals(model, text, checkout)
    if findings:
        rest = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        raise DeploymentFailed(Code.COMPOSE_REFUSED, f"{findings[0]}{rest}", _HINT, findings)


def refusals(model: Mapping[str, Any], text: ComposeText, checkout: Path) -> tuple[str, ...]:
    """Everything that the policy refuses, one sentence each, in the order of the file."""
    inspection = _Inspection(model, text, Path(os.path.realpath(checkout)))
    found = [*inspection.top_level()]
    for name, service in model.get("services", {}).items():
        found += inspection.service(str(name), service)
    return tuple(dict.fromkeys(found))


def repository_path(source: str, root: Path) -> Path | None:
    """Where a path of the model really leads, or None when that is outside the (real) root."""
    real = Path(os.path.realpath(source))
    return real if os.path.isabs(source) and real.is_relative_to(root) and ".git" not in real.parts else None


def is_kept_network_mode(mode: str, services: Mapping[str, Any]) -> bool:
    """Whether a service may share what this names: nothing at all, or another service of the same stack."""
    kind, _, other = mode.partition(":")
    return mode == "none" or (kind == "service" and other in services)


class _Inspection:
    """One pass over a model; every method yields sentences."""

    def __init__(self, model: Mapping[str, Any], text: ComposeText, root: Path) -> None:
        self._model = model
        self._text = text
        self._root = root

    def top_level(self) -> Iterator[str]:
        for key, value in self._model.items():
            if key not in TOP_LEVEL_KEYS and not key.startswith("x-") and value:
                yield f'"{key}" at the top level {UNKNOWN}. {self._remove(key)}'
        for kind in ("networks", "volumes", "secrets", "configs"):
            for name, body in (self._model.get(kind) or {}).items():
                yield from self._declared(kind, str(name), body or {})

    def _declared(self, kind: str, name: str, body: Mapping[str, Any]) -> Iterator[str]:
        owner, keys = f'{kind[:-1].capitalize()} "{name}"', (kind, name)
        if not _NAME.fullmatch(name):
            yield f"{owner}: the name may only hold letters, digits, dots, dashes and underscores."
        if body.get("external"):
            advice = "it would reach what another project owns"
            yield f'{owner}: "external" is not allowed because {advice}. {self._remove(*keys, "external")}'
        if kind == "volumes":
            yield from self._volume(owner, name, body)
        if kind in ("secrets", "configs"):
            yield from self._file_object(owner, keys, body)

    def _volume(self, owner: str, name: str, body: Mapping[str, Any]) -> Iterator[str]:
        if body.get("driver") not in (None, "", "local"):
            why = "only local volumes are kept on this server"
            yield f'{owner}: the driver "{body["driver"]}" is not allowed because {why}. ' + self._remove(
                "volumes", name, "driver"
            )
        if body.get("driver_opts"):
            why = "they can mount any folder of the server"
            yield f'{owner}: "driver_opts" are not allowed because {why}. {self._remove("volumes", name, "driver_opts")}'

    def _file_object(self, owner: str, keys: tuple[str, str], body: Mapping[str, Any]) -> Iterator[str]:
        for key in ("environment", "driver", "template_driver"):
            if body.get(key):
                yield f'{owner}: "{key}" is not allowed here. Use "file:" with a file of the repository.'
        if body.get("file") is not None:
            place = repository_path(str(body["file"]), self._root)
            shown = os.path.relpath(str(body["file"]), self._root)
            where = self._text.where(*keys, "file")
            if place is None:
                yield f'{owner}: the file "{body["file"]}" ({where}) is outside the repository. Commit it, or remove it.'
            elif not place.is_file():
                yield f'{owner}: the file "{shown}" ({where}) is not in the repository. Commit it, or remove it.'

    def service(self, name: str, service: Mapping[str, Any]) -> Iterator[str]:
        owner, services = f'Service "{name}"', self._model["services"]
        if not _NAME.fullmatch(name):
            yield f"{owner}: the name may only hold letters, digits, dots, dashes and underscores."
        for key, value in service.items():
            if value and key not in KEPT_KEYS and key not in REWRITTEN_KEYS and not key.startswith("x-"):
                yield from self._key(owner, name, key, value)
        yield from self._image(owner, name, service)
        yield from self._build(owner, name, service.get("build") or {})
        yield from self._hooks(owner, name, service)
        for entry in service.get("volumes") or []:
            yield from self._mount(owner, name, entry)
        for link in service.get("links") or []:
            if str(link).partition(":")[0] not in services:
                yield f'{owner}: the link "{link}" leads out of this stack. {self._remove("services", name, "links")}'

    def _key(self, owner: str, name: str, key: str, value: Any) -> Iterator[str]:
        if _is_harmless(key, value, self._model["services"]):
            return
        keys: tuple[str, ...] = ("services", name, key)
        if key == "use_api_socket":
            yield self._socket(owner, name, keys)
        elif key in REASONS:
            what = f'"{key}: {value}"' if isinstance(value, str) else f'"{key}"'
            yield f"{owner}: {what} is not allowed on this server because {REASONS[key]}. {self._remove(*keys)}"
        else:
            yield f'{owner}: "{key}" {UNKNOWN}. {self._remove(*keys)}'

    def _image(self, owner: str, name: str, service: Mapping[str, Any]) -> Iterator[str]:
        image = str(service.get("image") or "")
        where = self._text.where("services", name, "image")
        if image.startswith("local-registry/") and not service.get("build"):
            yield f'{owner}: the image "{image}" ({where}) belongs to another app. Use one from a registry, or `build:`.'
        elif re.fullmatch(r"(?:sha256:)?[0-9a-f]{12,64}", image) and not service.get("build"):
            yield f'{owner}: the image "{image}" ({where}) is a number of this server. Use a name from a registry.'

    def _build(self, owner: str, name: str, build: Mapping[str, Any]) -> Iterator[str]:
        if not build:
            return
        keys = ("services", name, "build")
        for key, value in build.items():
            if (
                value
                and key not in BUILD_KEYS
                and not key.startswith("x-")
                and not (key == "network" and value in ("none", "default"))
            ):
                why = BUILD_REASONS.get(key)
                text = f"is not allowed on this server because {why}" if why else UNKNOWN
                yield f'{owner}: "build.{key}" {text}. {self._remove(*keys, key)}'
        context = repository_path(str(build.get("context") or ""), self._root)
        where = self._text.where(*keys, "context")
        if context is None:
            yield f'{owner}: the build context "{build.get("context")}" ({where}) is outside the repository.'
        elif not context.is_dir():
            yield f'{owner}: the build context "{self._shown(context)}" ({where}) is not a folder of the repository.'
        elif not build.get("dockerfile_inline"):
            yield from self._dockerfile(owner, name, context, str(build.get("dockerfile") or "Dockerfile"))

    def _dockerfile(self, owner: str, name: str, context: Path, written: str) -> Iterator[str]:
        where = self._text.where("services", name, "build", "dockerfile")
        place = repository_path(str(context / written), self._root)
        if place is None:
            yield f'{owner}: the Dockerfile "{written}" ({where}) is outside the repository.'
        elif not place.is_file():
            yield f'{owner}: the Dockerfile "{self._shown(place)}" ({where}) is not in the repository.'

    def _hooks(self, owner: str, name: str, service: Mapping[str, Any]) -> Iterator[str]:
        for key in ("post_start", "pre_stop"):
            for hook in service.get(key) or []:
                if hook.get("privileged") or hook.get("user"):
                    yield (
                        f'{owner}: "{key}" with "privileged" or "user" is not allowed on this server because it would '
                        f"run beyond the container's own user. {self._remove('services', name, key)}"
                    )

    def _mount(self, owner: str, name: str, entry: Mapping[str, Any]) -> Iterator[str]:
        kind, source, target = entry.get("type"), str(entry.get("source") or ""), str(entry.get("target") or "")
        keys: tuple[str | int, ...] = ("services", name, "volumes", *_index_of(self._text.model, name, target))
        where = self._text.where(*keys)
        if not target.startswith("/") or ".." in target.split("/"):
            yield f'{owner}: the mount target "{target}" ({where}) is not an absolute path in the container.'
        elif kind == "bind":
            yield from self._bind(owner, name, source, keys)
        elif kind == "volume":
            if source and source not in (self._model.get("volumes") or {}):
                yield f'{owner}: the volume "{source}" ({where}) is not declared under `volumes:`.'
        elif kind != "tmpfs":
            yield f'{owner}: the mount type "{kind}" ({where}) is not allowed. Use a named volume.'

    def _bind(self, owner: str, name: str, source: str, keys: tuple[str | int, ...]) -> Iterator[str]:
        real = os.path.realpath(source)
        if _SOCKET.search(source) or _SOCKET.search(real) or real in ("/run", "/var/run"):
            yield self._socket(owner, name, keys)
        elif repository_path(source, self._root) is None:
            shown = os.path.relpath(source, self._root) if source.startswith(f"{self._root}/") else source
            yield (
                f'{owner}: the folder "{shown}" ({self._text.where(*keys)}) is outside the repository. '
                f'Use a named volume, e.g. "{re.sub(r"[^a-z0-9]", "", name.lower()) or "app"}data:/data".'
            )

    def _socket(self, owner: str, name: str, keys: tuple[str | int, ...]) -> str:
        return (
            f"{owner} asks for the Docker socket ({self._text.where(*keys)}), which controls every user's containers. "
            f'Remove that line, or the service "{name}" if it cannot do without: DevOps Butler publishes your app '
            "itself, so no proxy that watches Docker is needed."
        )

    def _shown(self, path: Path) -> str:
        return os.path.relpath(path, self._root)

    def _remove(self, *keys: str | int) -> str:
        line = self._text.exact_line(*keys)
        return f"Remove line {line} of {self._text.name}." if line else f"Remove it from {self._text.name}."


def _is_harmless(key: str, value: Any, services: Mapping[str, Any]) -> bool:
    """Values of refused keys that ask for nothing beyond what every container gets."""
    match key:
        case "network_mode":
            return str(value) in ("bridge", "default") or is_kept_network_mode(str(value), services)
        case "security_opt":
            allowed = {"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"}
            return isinstance(value, list) and set(map(str, value)) <= allowed
        case "ipc" | "cgroup":
            return str(value) == "private"
        case "oom_score_adj":
            return isinstance(value, int) and value >= 0
    return False


def _index_of(raw: Mapping[str, Any], service: str, target: str) -> tuple[int, ...]:
    """Which entry of the raw `volumes` list mounts on this target."""
    body = (raw.get("services") or {}).get(service) or {}
    for index, entry in enumerate(body.get("volumes") or []):
        named = entry.get("target") if isinstance(entry, Mapping) else None
        parts = [named] if named else str(entry).split(":")
        if target.rstrip("/") in [str(part).rstrip("/") for part in parts[-2:]]:
            return (index,)
    return ()
