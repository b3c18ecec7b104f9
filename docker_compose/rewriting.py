"""Turns a stack that passed the policy into the file that runs: only keys named here reach Docker, within our limits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from docker_compose.policy import is_kept_network_mode
from docker_compose.quantities import duration_in_seconds
from docker_compose.resolving import escaped
from docker_compose.service_parts import (
    capabilities,
    extra_hosts,
    filtered_labels,
    healthcheck,
    limits,
    memory_mount,
    mount,
    restart_policy,
    shared_memory,
    ulimits,
)
from docker_compose.stack import ComposeStack, network_name, project_of
from docker_run import labels_for
from settings import Settings

LONGEST_GRACE_SECONDS = 30
SCRATCH_LABEL = "butler.scratch"
LOGGING = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}
_PLAIN_KEYS = (
    "command", "entrypoint", "domainname", "expose", "hostname", "links", "post_start", "pre_stop", "read_only",
    "stdin_open", "tty", "stop_signal", "user", "working_dir",
)  # fmt: skip
_STOPPED_STATES = {"service_completed_successfully"}


def rewrite(stack: ComposeStack, settings: Settings) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The final file's content (with `$` escaped) and what was changed, for the log."""
    notes = _Notes()
    writer = _Writer(stack, settings, notes)
    services = {name: writer.service(name, body) for name, body in stack.model["services"].items()}
    final = {
        "name": project_of(stack.request.container_name, settings),
        "services": services,
        "networks": writer.networks(services),
        "volumes": writer.volumes(services),
        **{kind: dict(stack.model[kind]) for kind in ("secrets", "configs") if stack.model.get(kind)},
        "x-butler": {
            "site": stack.site.service,
            "publisher": publisher(stack),
            "container_port": stack.site.port,
            "host_port": stack.host_port if stack.site.port is not None else None,
            "release": stack.request.release_number,
            "parts": sorted(stack.addresses),
            "internal": [
                name for name, body in (stack.model.get("networks") or {}).items() if (body or {}).get("internal")
            ],
        },
    }
    return escaped(final), notes.lines()


def carried_over(final: dict[str, Any], previous: Mapping[str, Any] | None) -> dict[str, Any]:
    """The final file with unchanged services as they were, so that Compose leaves their containers running.

    Only the release in a label would differ; a database keeps the label of the release that started it.
    """
    before = (previous or {}).get("services") or {}
    services = {
        name: before[name] if _without_release(before.get(name)) == _without_release(service) else service
        for name, service in final["services"].items()
    }
    return {**final, "services": services}


def publisher(stack: ComposeStack) -> str:
    """The service that has to publish the site's port: another one where the site shares that one's network."""
    name = stack.site.service
    for _ in stack.services:
        mode = str(stack.model["services"][name].get("network_mode") or "")
        if not mode.startswith("service:"):
            break
        name = mode.removeprefix("service:")
    return name


class _Notes:
    """What was changed, gathered by kind so that the log has one line for each."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = {}

    def add(self, kind: str, what: str) -> None:
        self._found.setdefault(kind, []).append(what)

    def lines(self) -> tuple[str, ...]:
        return tuple(f"{kind}: {', '.join(dict.fromkeys(found))}." for kind, found in self._found.items())


class _Writer:
    def __init__(self, stack: ComposeStack, settings: Settings, notes: _Notes) -> None:
        self._stack = stack
        self._settings = settings
        self._notes = notes
        self._services: Mapping[str, Any] = stack.model["services"]
        self._labels = labels_for(stack.request, settings)
        self._publisher = publisher(stack)
        self._scratch: dict[str, dict[str, Any]] = {}
        self._awaited = {
            other
            for body in self._services.values()
            for other, wish in (body.get("depends_on") or {}).items()
            if wish.get("condition") in _STOPPED_STATES
        }

    def service(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One service as it runs here."""
        self._note_dropped(name, body)
        written = {key: body[key] for key in _PLAIN_KEYS if body.get(key) is not None}
        return {
            **written,
            "image": self._stack.images.get(name, body.get("image")),
            "pull_policy": "never" if body.get("build") or name in self._stack.copies else "missing",
            **self._start_words(name, body),
            **self._places(name, body),
            **limits(body, self._settings, self._stack.cpus),
            **shared_memory(body),
            **ulimits(body, self._settings),
            "cap_drop": ["ALL"],
            "cap_add": capabilities(body),
            "security_opt": ["no-new-privileges:true"],
            "logging": LOGGING,
            "labels": {**filtered_labels(body.get("labels") or {}), **self._labels},
            **self._connections(name, body),
        }

    def networks(self, services: Mapping[str, Any]) -> dict[str, Any]:
        """The networks that the services are on; made by us beforehand, so external to Compose."""
        used = {network for body in services.values() for network in body.get("networks") or {}}
        app = self._stack.request.container_name
        return {
            network: {"name": network_name(app, network, self._settings), "external": True} for network in sorted(used)
        }

    def volumes(self, services: Mapping[str, Any]) -> dict[str, Any]:
        """The named volumes in use, under the project's name. They outlive releases and so carry no release."""
        used = {
            entry["source"] for body in services.values() for entry in body.get("volumes") or [] if _is_named(entry)
        }
        labels = {key: value for key, value in self._labels.items() if key != "butler.release"}
        return {
            volume: {"name": f"{self._stack.project}_{volume}", "labels": {**labels, **self._scratch.get(volume, {})}}
            for volume in sorted(used)
        }

    def _start_words(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        words: dict[str, Any] = {"environment": self._environment(name, body)}
        init = body.get("init", True if body.get("build") else None)
        depends = {
            other: {key: wish[key] for key in ("condition", "required", "restart") if key in wish}
            for other, wish in (body.get("depends_on") or {}).items()
            if other in self._services
        }
        grace = duration_in_seconds(body.get("stop_grace_period", LONGEST_GRACE_SECONDS))
        words["restart"] = restart_policy(
            self._stack.raw_restarts.get(name, ""),
            is_site=name == self._stack.site.service,
            is_awaited=name in self._awaited,
            body=body,
        )
        if body.get("stop_grace_period"):
            words["stop_grace_period"] = f"{min(grace or LONGEST_GRACE_SECONDS, LONGEST_GRACE_SECONDS):g}s"
        optional = {"init": init, "depends_on": depends or None, "healthcheck": healthcheck(body.get("healthcheck"))}
        return {**words, **{key: value for key, value in optional.items() if value is not None}}

    def _environment(self, name: str, body: Mapping[str, Any]) -> dict[str, str]:
        """The file's own values, and the user's where the file sets none: Compose's order of precedence."""
        given = dict(self._stack.request.backend_env) if name in self._stack.takes_environment else {}
        own = {key: "" if value is None else str(value) for key, value in (body.get("environment") or {}).items()}
        return {**given, **own}

    def _places(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        mounts = [self._scratch_mount(name, mount(entry), body) for entry in body.get("volumes") or []]
        mounts += [memory_mount(entry) for entry in body.get("tmpfs") or []]
        kept: dict[str, Any] = {"volumes": mounts} if mounts else {}
        for kind in ("secrets", "configs"):
            entries = [
                {key: entry[key] for key in ("source", "target", "uid", "gid", "mode") if entry.get(key) is not None}
                for entry in body.get(kind) or []
                if entry.get("source") in (self._stack.model.get(kind) or {})
            ]
            kept.update({kind: entries} if entries else {})
        return kept

    def _scratch_mount(self, name: str, entry: dict[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
        """An unnamed volume under a bound folder hides what the image installed there; a new image needs a new one."""
        target = str(entry["target"])
        binds = [str(other["target"]).rstrip("/") for other in body.get("volumes") or [] if other["type"] == "bind"]
        if entry["type"] != "volume" or entry.get("source") or not any(target.startswith(f"{b}/") for b in binds):
            return entry
        image = self._stack.images.get(name, str(body.get("image")))
        key = hashlib.sha256(f"{name}\0{target}\0{image}".encode()).hexdigest()[:16]
        self._scratch[f"scratch-{key}"] = {SCRATCH_LABEL: "1"}
        return {**entry, "source": f"scratch-{key}"}

    def _connections(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        mode = str(body.get("network_mode") or "")
        connections: dict[str, Any] = {}
        if mode and is_kept_network_mode(mode, self._services):
            connections["network_mode"] = mode
        else:
            declared = body.get("networks") or {"default": None}
            connections["networks"] = {
                network: {"aliases": list(wish["aliases"])} if wish and wish.get("aliases") else None
                for network, wish in declared.items()
            }
            hosts = extra_hosts(body.get("extra_hosts"))
            connections.update({"extra_hosts": hosts} if hosts else {})
        port = self._stack.site.port
        if name == self._publisher and port is not None:
            connections["ports"] = [self._published(port, self._stack.host_port)]
        elif name in self._stack.addresses:
            connections["ports"] = [self._published(*self._stack.addresses[name])]
        return connections

    def _published(self, port: int, host_port: int | None) -> dict[str, Any]:
        return {
            "target": port,
            "protocol": "tcp",
            "mode": "host",
            "host_ip": self._settings.publish_address,
            **({} if host_port is None else {"published": str(host_port)}),
        }

    def _note_dropped(self, name: str, body: Mapping[str, Any]) -> None:
        say = self._notes.add
        if body.get("container_name"):
            say("Fixed container names are not used", str(body["container_name"]))
        hidden = [
            str(port["target"]) for port in body.get("ports") or [] if port.get("target") != self._stack.site.port
        ]
        if name in self._stack.addresses:
            hidden = []
        elif name != self._stack.site.service and body.get("ports"):
            hidden = [str(port["target"]) for port in body["ports"]]
        for port in hidden if name != self._publisher or len(body.get("ports") or []) > 1 else []:
            say("Ports that only the stack itself can reach", f"{name}:{port}")
        for key in ("develop", "annotations", "platform", "pull_policy", "cpu_shares", "mem_reservation"):
            if body.get(key):
                say("Keys that mean nothing here and are dropped", f"{name}.{key}")
        deploy = body.get("deploy") or {}
        if int(body.get("scale") or deploy.get("replicas") or 1) > 1:
            say("Run once, not several times", name)
        if ((deploy.get("resources") or {}).get("reservations") or {}).get("devices"):
            say("Devices (GPUs) are not given to", name)
        if body.get("logging"):
            say("Logs are kept by the Butler, not by the driver of", name)
        for network, wish in (body.get("networks") or {}).items():
            if wish and set(wish) - {"aliases"}:
                say("Fixed addresses are not used", f"{name} on {network}")
        hosts = body.get("extra_hosts") or []
        if len(extra_hosts(hosts)) < len(hosts):
            say("Host names that lead to the server itself are not used", name)
        for key in ("cache_from", "cache_to", "tags", "platforms", "no_cache", "pull"):
            if (body.get("build") or {}).get(key):
                say("Keys that mean nothing here and are dropped", f"{name}.build.{key}")


def _is_named(entry: Mapping[str, Any]) -> bool:
    return entry["type"] == "volume" and bool(entry.get("source"))


def _without_release(service: Mapping[str, Any] | None) -> object:
    if service is None:
        return None
    labels = {key: value for key, value in (service.get("labels") or {}).items() if key != "butler.release"}
    environment = {key: value for key, value in (service.get("environment") or {}).items() if key != "BUTLER_RELEASE"}
    return {**service, "labels": labels, "environment": environment}
