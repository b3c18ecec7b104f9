"""Container lifecycle: networks, start, stop, remove, state, logs, and whether an app answers."""

from .answers import Reason, Verdict, failure, probe, probe_address, settle, wait_until_answers
from .app_log import AppLine, follow_app
from .command import (
    FINGERPRINT_LABEL,
    RunSpec,
    app_environment,
    app_url,
    fingerprint,
    labels_for,
    run_argv,
    shell_words,
)
from .containers import (
    keep_running,
    remove_app,
    rename,
    restart,
    start_again,
    start_container,
    stop,
    stop_and_remove,
)
from .engine import EngineFacts, ask, engine_facts
from .jobs import run_to_its_end
from .networks import (
    Networks,
    ensure_networks,
    networks_of,
    remove_network,
    remove_networks,
    remove_unused_network,
)
from .state import ContainerState, follow_logs, inspect, list_containers, log_lines

__all__ = [
    "AppLine",
    "FINGERPRINT_LABEL",
    "ContainerState",
    "EngineFacts",
    "Networks",
    "Reason",
    "RunSpec",
    "Verdict",
    "app_environment",
    "app_url",
    "ask",
    "engine_facts",
    "ensure_networks",
    "failure",
    "fingerprint",
    "follow_app",
    "follow_logs",
    "inspect",
    "keep_running",
    "labels_for",
    "list_containers",
    "log_lines",
    "networks_of",
    "probe",
    "probe_address",
    "remove_app",
    "remove_network",
    "remove_networks",
    "remove_unused_network",
    "rename",
    "restart",
    "run_argv",
    "run_to_its_end",
    "settle",
    "shell_words",
    "start_again",
    "start_container",
    "stop",
    "stop_and_remove",
    "wait_until_answers",
]
