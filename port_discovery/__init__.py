"""Which port an app answers on (EXPOSE, log, inspect, common ports, its listening sockets), and free ports of the host."""

from dockerfile_text import exposed_ports

from .choosing import COMMON_PORTS, Candidate, Finding, candidate_ports, choose_port, find_running_port
from .host_ports import free_host_port, is_free
from .messages import ports_in_log
from .sockets import Listener, Sockets, listening_sockets, read_listeners

__all__ = [
    "COMMON_PORTS",
    "Candidate",
    "Finding",
    "Listener",
    "Sockets",
    "candidate_ports",
    "choose_port",
    "exposed_ports",
    "find_running_port",
    "free_host_port",
    "is_free",
    "listening_sockets",
    "ports_in_log",
    "read_listeners",
]
