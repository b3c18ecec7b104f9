"""The parts of a service that are narrowed to what this server gives: limits, capabilities, mounts, labels, restarts."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from compose_file import is_backing_service, ports_of
from docker_compose.quantities import duration_in_seconds, number, size_in_bytes
from docker_run.command import CAPABILITIES
from settings import Settings

LARGEST_SHARED_MEMORY = 256 * 1024**2
LARGEST_MEMORY_MOUNT = 256 * 1024**2
RETRIES = "on-failure:5"
_ULIMITS = {"nofile": 16_384, "core": 0, "stack": 64 * 1024**2, "memlock": 64 * 1024**2}
_FOREIGN_LABEL = re.compile(r"(?:butler|com\.docker|traefik|caddy|coolify|dokploy|org\.testcontainers)(?:[._].*)?$")
_HEALTH_KEYS = ("test", "interval", "timeout", "retries", "start_period", "start_interval", "disable")


def limits(body: Mapping[str, Any], settings: Settings, cpus: float) -> dict[str, Any]:
    """Memory, processors and processes: the file's own where they are lower than the server's."""
    asked = ((body.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    memory = [
        size_in_bytes(settings.memory_limit),
        size_in_bytes(body.get("mem_limit")),
        size_in_bytes(asked.get("memory")),
    ]
    processors = [settings.cpu_limit, cpus, number(body.get("cpus")), number(asked.get("cpus"))]
    pids = [settings.pids_limit, number(body.get("pids_limit")), number(asked.get("pids"))]
    lowest = max(min(size for size in memory if size), 6 * 1024**2)  # Docker's own minimum
    return {
        "mem_limit": str(lowest),
        "memswap_limit": str(lowest),
        "cpus": round(max(min(part for part in processors if part), 0.01), 2),
        "pids_limit": int(min(part for part in pids if part)),
    }


def capabilities(body: Mapping[str, Any]) -> list[str]:
    """What a container may do beyond an ordinary user's programs; less where the file drops some itself."""
    dropped = {str(name).upper().removeprefix("CAP_") for name in body.get("cap_drop") or []}
    return [] if "ALL" in dropped else [name for name in CAPABILITIES if name not in dropped]


def shared_memory(body: Mapping[str, Any]) -> dict[str, Any]:
    """`shm_size`, up to what this server gives."""
    size = size_in_bytes(body.get("shm_size"))
    return {"shm_size": str(min(size, LARGEST_SHARED_MEMORY))} if size else {}


def ulimits(body: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Those `ulimits` that mean something in a container, capped."""
    caps = {**_ULIMITS, "nproc": settings.pids_limit}
    kept = {}
    for name, value in (body.get("ulimits") or {}).items():
        if name in caps:
            wish = value if isinstance(value, Mapping) else {"soft": value, "hard": value}
            hard = _capped(wish.get("hard", wish.get("soft")), caps[name])
            kept[name] = {"soft": min(_capped(wish.get("soft"), caps[name]), hard), "hard": hard}
    return {"ulimits": kept} if kept else {}


def healthcheck(check: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A health check, not more often than once a second."""
    if not check:
        return None
    kept = {key: check[key] for key in _HEALTH_KEYS if check.get(key) is not None}
    for key in ("interval", "start_interval"):
        if key in kept and (duration_in_seconds(kept[key]) or 0) < 1:
            kept[key] = "1s"
    return kept


def mount(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One volume, bind or tmpfs mount with nothing but what it needs."""
    kept = {key: entry[key] for key in ("type", "source", "target", "read_only") if entry.get(key)}
    if entry["type"] == "volume" and (entry.get("volume") or {}).get("nocopy"):
        kept["volume"] = {"nocopy": True}
    if entry["type"] == "bind":
        kept["bind"] = {"create_host_path": False}
    if entry["type"] == "tmpfs":
        size = size_in_bytes((entry.get("tmpfs") or {}).get("size")) or LARGEST_MEMORY_MOUNT
        kept["tmpfs"] = {"size": min(size, LARGEST_MEMORY_MOUNT)}
    return kept


def memory_mount(entry: object) -> dict[str, Any]:
    """One line of `tmpfs:` as a mount, its size capped; owner and mode become "anybody" as Docker has it by default."""
    target, _, options = str(entry).partition(":")
    wishes = dict(option.partition("=")[::2] for option in options.split(","))
    size = size_in_bytes(wishes.get("size")) or LARGEST_MEMORY_MOUNT
    mode = wishes.get("mode", "")
    octal = {"mode": int(mode, 8)} if re.fullmatch(r"[0-7]{3,4}", mode) else {}
    return {"type": "tmpfs", "target": target, "tmpfs": {"size": min(size, LARGEST_MEMORY_MOUNT), **octal}}


def extra_hosts(entries: Mapping[str, Any] | Sequence[Any] | None) -> list[str]:
    """Those host names that lead to a public address."""
    if isinstance(entries, Mapping):
        pairs = [(str(name), address) for name, address in entries.items()]
    else:
        pairs = [(parts[0], parts[-1]) for parts in (re.split("[=:]", str(e), maxsplit=1) for e in entries or [])]
    flat = [(name, one) for name, wish in pairs for one in (wish if isinstance(wish, list) else [wish])]
    return [f"{name}={address}" for name, address in flat if _is_public(str(address))]


def filtered_labels(labels: Mapping[str, Any]) -> dict[str, str]:
    """A service's labels without those that the Butler, Docker or a proxy on this server would act on."""
    return {key: str(value) for key, value in labels.items() if not _FOREIGN_LABEL.match(key)}


def restart_policy(written: str, *, is_site: bool, is_awaited: bool, body: Mapping[str, Any]) -> str:
    """When the engine starts a service again by itself.

    The site's is `no` until it has proved itself (its policy is set then), a job's is what lets it end, and the rest
    comes back in every case: `always`, because `unless-stopped` leaves containers down when the engine is killed.
    """
    if is_site or written in ("no", "false") or is_awaited:
        return "no"
    if written:
        return "always"
    serves = bool(ports_of(body)) or is_backing_service(body)
    return "always" if serves else RETRIES


def _capped(value: object, cap: int) -> int:
    wish = int(value) if isinstance(value, (int, float, str)) and re.fullmatch(r"-?\d+", str(value)) else cap
    return cap if wish < 0 else min(wish, cap)


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.strip("[]")).is_global
    except ValueError:
        return False
