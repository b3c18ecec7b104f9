"""Fills a rule's message and remedy with the words that were found, and with plain ones where none were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain import Stage
from failure_advice.rule import BUILDING, Finding
from failure_advice.silence import how_to_listen

_SERVICES = {
    "1433": "SQL Server",
    "3306": "MySQL",
    "5432": "PostgreSQL",
    "5672": "RabbitMQ",
    "6379": "Redis",
    "9092": "Kafka",
    "9200": "Elasticsearch",
    "11211": "Memcached",
    "27017": "MongoDB",
}
_PORTS = {"MySQL": "3306", "MariaDB": "3306"}
_EXIT_CODES = {
    0: ", which means that it thought its work was done",
    1: ", which means an error that it reported itself",
    2: ", which means wrong use of a command or an error that it reported itself",
    126: " (a program that may not be run)",
    127: " (a command that does not exist)",
    132: " (an instruction that this processor does not know)",
    134: " (it aborted itself)",
    137: " (ended from outside, nearly always for want of memory)",
    139: " (a crash in native code, segmentation fault)",
    143: " (ended from outside by SIGTERM)",
}
_PLAIN = {
    "address": "the loopback address",
    "branch": "that name",
    "command": "a program",
    "exit": "unknown",
    "file": "a file",
    "font": "asked for",
    "found": "another one",
    "host": "that",
    "image": "asked for",
    "memory_limit": "the one set for the server",
    "module": "a module",
    "model": "for settings",
    "name": "asked for",
    "package": "asked for",
    "peer_host": "the given address",
    "peer_port": "its port",
    "platform": "its architecture",
    "port": "of the app",
    "reason": "see the lines shown",
    "service": "the server it needs",
    "step": "RUN",
    "target": "the given name",
    "timeout_seconds": "the allowed",
    "tool": "a compiler",
    "wanted": "another one",
}
_LONGEST = 300


class _Words(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return _PLAIN.get(name, "it")


def filled(finding: Finding, context: Mapping[str, Any], stage: Stage, exit_code: int | None) -> tuple[str, str]:
    """The message and the remedy of a finding, with every blank filled."""
    words = _Words({name: str(value) for name, value in context.items() if isinstance(value, str | int | float)})
    words["env_file"] = "frontend_env" if stage in BUILDING else "backend_env"
    words["stage"] = str(stage)
    words["last_line"] = (finding.lines[-1] if finding.lines else "it gave no output").rstrip(" .:")[:_LONGEST]
    words["how_to_listen"] = how_to_listen(words.get("framework", ""))
    if exit_code is not None:
        words["exit"] = str(exit_code)
    words.update({name: value.rstrip(" .:,;") for name, value in finding.words.items()})
    words.setdefault("service", _SERVICES.get(words["peer_port"], "the server it needs"))
    if words["service"] in _PORTS:
        words.setdefault("peer_port", _PORTS[words["service"]])
    words["meaning"] = _EXIT_CODES.get(int(words["exit"]), "") if words["exit"].isdigit() else ""
    return finding.rule.message.format_map(words), finding.rule.remedy.format_map(words)
