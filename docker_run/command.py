"""What is said to Docker to run an app: the argument lists, and which way each variable takes."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from pathlib import Path

from domain import DeployRequest
from robust_error_handler import Code, DeploymentFailed
from settings import Settings

from .engine import EngineFacts
from .networks import Networks

FINGERPRINT_LABEL = "butler.fingerprint"
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "KILL", "NET_BIND_SERVICE")
LONGEST_VARIABLE_BYTES = 128 * 1024 - 1
LONGEST_ENVIRONMENT_BYTES = 1024 * 1024
LONGEST_FILE_LINE_BYTES = 60 * 1024

_STEERS_CLIENT = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|PWD|HOSTNAME|TERM|LANG|LANGUAGE|LC_.*|TMPDIR|TMP|TEMP|TZ|NO_COLOR"
    r"|DOCKER_.*|BUILDKIT_.*|BUILDX_.*|COMPOSE_.*|MOBY_.*|OTEL_.*|CONTAINERD_.*"
    r"|LD_.*|DYLD_.*|GLIBC_TUNABLES|MALLOC_.*|GCONV_PATH|LOCPATH|NLSPATH|RES_OPTIONS|LOCALDOMAIN|HOSTALIASES"
    r"|.*_PROXY|XDG_.*|SSL_CERT_.*|GIT_SSL_.*|SSH_AUTH_SOCK|SSH_ASKPASS.*"
    r"|GODEBUG|GOGC|GOMAXPROCS|GOMEMLIMIT|GOTRACEBACK|GOCOVERDIR|GORACE|GOROOT|GOFIPS140",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class RunSpec:
    """A container to be started: what runs, under which name and labels, with which variables, ports and networks.

    `container_port` None publishes nothing; `host_port` None lets Docker choose one. `alias` is the name under which
    the user's other apps reach this one. `command` runs in a shell in place of the image's own. A spec prints without
    the variables' values.
    """

    name: str
    image_id: str
    labels: Mapping[str, str]
    networks: Networks
    alias: str
    container_port: int | None = None
    host_port: int | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: str | None = None


def labels_for(request: DeployRequest, settings: Settings) -> dict[str, str]:
    """The labels that every Docker object of a release carries."""
    return {
        "butler": "1",
        "butler.instance": settings.instance,
        "butler.app": request.container_name,
        "butler.user": str(request.user_id),
        "butler.release": str(request.release_number),
    }


def app_environment(
    request: DeployRequest,
    *,
    run_env: Mapping[str, str],
    container_port: int | None,
    commit: str,
    url: str | None,
) -> dict[str, str]:
    """The variables of a container: the plan's, PORT, then the user's own, then what the Butler knows for certain."""
    port = {} if container_port is None else {"PORT": str(container_port)}
    facts = {
        "BUTLER_APP": request.container_name,
        "BUTLER_COMMIT": commit,
        "BUTLER_RELEASE": str(request.release_number),
        **({} if url is None else {"BUTLER_URL": url}),
    }
    return {**port, **run_env, **request.backend_env, **facts}


def app_url(host_port: int, settings: Settings) -> str:
    """The address at which people reach what is published on a host port."""
    host = settings.public_host
    return f"http://{f'[{host}]' if ':' in host else host}:{host_port}"


def run_argv(spec: RunSpec, settings: Settings, facts: EngineFacts, *, env_file: Path | None = None) -> list[str]:
    """`docker run` of a spec, or `docker create` on its first network where the engine takes only one at a time.

    The restart policy is `no` until the app has proved itself (see `settle`): a crash then stays to be looked at.
    """
    start = ["docker", "run", "--detach"] if facts.several_networks else ["docker", "create"]
    by_name, _ = split_environment(spec.env)
    return [
        *start,
        *("--pull", "never", "--name", spec.name, "--init", "--restart", "no"),
        *_limit_words(settings, facts),
        *_confinement_words(),
        *("--log-driver", "json-file", "--log-opt", "max-size=10m", "--log-opt", "max-file=3"),
        *_publish_words(spec, settings.publish_address),
        *_network_words(spec, facts),
        *_pairs("--label", (f"{key}={value}" for key, value in spec.labels.items())),
        *_pairs("--env", by_name),
        *([] if env_file is None else ["--env-file", str(env_file)]),
        spec.image_id,
        *([] if spec.command is None else shell_words(spec.command)),
    ]


def shell_words(command: str) -> list[str]:
    """What an image is given to run a command line in place of its own."""
    return ["/bin/sh", "-c", command]


def fingerprint(spec: RunSpec, settings: Settings) -> str:
    """What a container is made of, in short: equal for two specs that differ only in the release's number.

    It is keyed with the instance, so that it tells nothing of the variables' values to who does not know them.
    """
    env = {key: value for key, value in sorted(spec.env.items()) if key != "BUTLER_RELEASE"}
    limits = [settings.memory_limit, settings.cpu_limit, settings.pids_limit, settings.publish_address]
    parts = [spec.image_id, spec.container_port, spec.host_port, spec.alias, astuple(spec.networks), limits, env]
    parts += [] if spec.command is None else [spec.command]
    return hmac.new(settings.instance.encode(), json.dumps(parts).encode(), "sha256").hexdigest()[:32]


def connect_argvs(spec: RunSpec) -> list[list[str]]:
    """The commands that join the remaining networks, for engines that take one network at a time."""
    connect = ["docker", "network", "connect"]
    return [
        [*connect, "--alias", spec.alias, spec.networks.user, spec.name],
        [*connect, spec.networks.shared, spec.name],
    ]


def rejoin_argvs(container: str, alias: str, networks: Networks) -> list[list[str]]:
    """The commands that leave and join an app's networks, whichever of them the container is still on."""
    joins = [["--alias", alias, networks.app], ["--alias", alias, networks.user], [networks.shared]]
    return [
        argv
        for join in joins
        for argv in (
            ["docker", "network", "disconnect", "--force", join[-1], container],
            ["docker", "network", "connect", *join, container],
        )
    ]


def split_environment(env: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """(handed over by name in docker's environment, handed over in a file because they would steer docker itself)."""
    in_file = {key: value for key, value in env.items() if _STEERS_CLIENT.fullmatch(key)}
    return {key: value for key, value in env.items() if key not in in_file}, in_file


def check_environment(env: Mapping[str, str]) -> None:
    """Raise DeploymentFailed (INVALID_ENV_FILE) for what no operating system or Docker can hand over."""
    total = 0
    for key, value in env.items():
        size = len(f"{key}={value}".encode("utf-8", "surrogateescape"))
        total += size
        if not key or "=" in key or "\0" in key + value or key != key.strip():
            raise _unusable(key, "has a name or value that no program can be given", "Correct it in the .env file.")
        if size > LONGEST_VARIABLE_BYTES:
            raise _unusable(key, "is longer than 128 KiB", "Ship large values as files of the repository.")
    if total > LONGEST_ENVIRONMENT_BYTES:
        message = f"The variables take {total // 1024} KiB together; 1024 KiB can be handed to a container."
        raise DeploymentFailed(Code.INVALID_ENV_FILE, message, "Ship large values as files of the repository.")


def env_file_text(variables: Mapping[str, str]) -> str:
    """The text of docker's `--env-file`, which takes values as they stand, one for each line."""
    for key, value in variables.items():
        if "\n" in value or "\r" in value:
            why = "has several lines, and Docker can take this name only on one line"
            raise _unusable(key, why, "Rename the variable in the app, or write the value on one line.")
        if len(value.encode("utf-8", "surrogateescape")) > LONGEST_FILE_LINE_BYTES:
            raise _unusable(key, "is longer than 60 KiB", "Rename the variable in the app, or shorten the value.")
    return "".join(f"{key}={value}\n" for key, value in variables.items())


def _limit_words(settings: Settings, facts: EngineFacts) -> list[str]:
    return [
        *("--memory", settings.memory_limit, "--memory-swap", settings.memory_limit),
        *("--cpus", f"{min(settings.cpu_limit, facts.cpus):g}", "--pids-limit", str(settings.pids_limit)),
    ]


def _confinement_words() -> list[str]:
    return ["--cap-drop", "ALL", *_pairs("--cap-add", CAPABILITIES), "--security-opt", "no-new-privileges"]


def _publish_words(spec: RunSpec, address: str) -> list[str]:
    if spec.container_port is None:
        return []
    host = f"[{address}]" if ":" in address else address
    return ["--publish", f"{host}:{spec.host_port or ''}:{spec.container_port}"]


def _network_words(spec: RunSpec, facts: EngineFacts) -> list[str]:
    names = spec.networks
    if not facts.several_networks:
        return ["--network", names.app, "--network-alias", spec.alias]
    named = [f"name={network},alias={spec.alias}" for network in (names.app, names.user)]
    return _pairs("--network", [*named, f"name={names.shared}"])


def _pairs(flag: str, values: Iterable[str]) -> list[str]:
    return [word for value in values for word in (flag, value)]


def _unusable(key: str, why: str, hint: str) -> DeploymentFailed:
    return DeploymentFailed(Code.INVALID_ENV_FILE, f"The variable {key!r} {why}.", hint)
