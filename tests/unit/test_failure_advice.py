"""Every rule of the advice table is shown with real output of the tool that it is about."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import failure_advice
from domain import Stage
from failure_advice import OTHERWISE, RULES, explain, is_host_port_taken, is_network_failure, remark_on
from failure_advice.rule import compiled, report
from robust_error_handler import Code

SAMPLES_FILE = Path(__file__).with_name("failure_samples.txt")


@dataclass(frozen=True)
class Sample:
    rule: str
    stage: Stage
    options: dict[str, Any]
    expected: str
    lines: tuple[str, ...]


def _samples() -> list[Sample]:
    blocks = SAMPLES_FILE.read_text(encoding="utf-8").split("\n=== ")[1:]
    return [_sample(block) for block in blocks]


def _sample(block: str) -> Sample:
    head, *lines = block.rstrip("\n").split("\n")
    settings, _, expected = head.partition(" :: ")
    rule, stage, *words = settings.split()
    options: dict[str, Any] = {"context": {}}
    for word in words:
        key, _, value = word.partition("=")
        if key == "exit":
            options["exit_code"] = int(value)
        elif key == "oom":
            options["oom_killed"] = True
        elif key == "listening":
            options["context"]["listening"] = [part for part in value.split(",") if part]
        else:
            options["context"][key] = value
    return Sample(rule, Stage(stage), options, expected, tuple(lines))


SAMPLES = _samples()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.rule}: {sample.expected[:30]}")
def test_output_of_a_tool_gets_its_cause_and_remedy(sample: Sample):
    error = explain(sample.stage, sample.lines, **sample.options)
    assert sample.expected in error.message
    assert _rule_that_decides(sample) == sample.rule
    assert len(error.hint) > 20 and error.hint.endswith(".")
    assert not re.search(r"[{]\w+[}]", error.message + error.hint), "a blank was not filled"
    assert 0 < len(error.lines) <= 20


def _rule_that_decides(sample: Sample) -> str:
    facts = report(sample.stage, sample.lines, sample.options.get("exit_code"), sample.options.get("oom_killed", False))
    return failure_advice._find(facts, sample.options["context"]).rule.name


def test_every_rule_of_the_table_has_a_sample():
    assert {rule.name for rule in (*RULES, *OTHERWISE)} == {sample.rule for sample in SAMPLES}


def test_names_of_rules_are_unique():
    names = [rule.name for rule in (*RULES, *OTHERWISE)]
    assert len(names) == len(set(names))


def test_the_categories_of_the_issue_can_all_be_given():
    given = {explain(sample.stage, sample.lines, **sample.options).code for sample in SAMPLES}
    assert given >= {
        Code.CLONE_REFUSED,
        Code.REPOSITORY_PRIVATE,
        Code.BRANCH_MISSING,
        Code.DEPENDENCY_NOT_FOUND,
        Code.LOCKFILE_OUT_OF_SYNC,
        Code.BUILD_FAILED,
        Code.OUT_OF_MEMORY,
        Code.DISK_FULL,
        Code.CRASHED_AT_START,
        Code.MISSING_VARIABLE,
        Code.WRONG_PORT,
        Code.LOOPBACK_ONLY,
        Code.NOT_ANSWERING,
        Code.PORT_TAKEN,
        Code.IMAGE_NOT_FOUND,
        Code.DOCKER_DOWN,
        Code.COMPOSE_INVALID,
        Code.NETWORK,
    }


def test_no_pattern_needs_more_than_linear_time():
    bad_lines = [
        "a" * 2000,
        " " * 2000,
        "1" * 2000,
        "a.b/" * 500,
        "'" * 2000,
        '"a' * 1000,
        "port " * 400,
        "Error: " * 280,
    ]
    bad_lines += ['process "' * 200, "failed " * 280, "Because a " * 200, "services.a " * 180, "SyntaxError: " * 150]
    patterns = [pattern for rule in (*RULES, *OTHERWISE) for pattern in (*rule.patterns, rule.also)]
    for pattern in patterns:
        for line in bad_lines:
            before = time.process_time()
            for _ in compiled(pattern).finditer("\n".join([line] * 20)):
                pass
            # The program's own time, and far from what is usual: a busy machine is no fault of a pattern.
            assert time.process_time() - before < 5, (pattern, line[:10])


def test_a_long_log_of_long_lines_is_judged_in_bounded_time():
    lines = ["error failed Connection listening on port " * 200] * 5000
    before = time.process_time()
    explain(Stage.BUILD, lines)
    explain(Stage.VERIFY, lines)
    assert time.process_time() - before < 20


def test_lines_that_show_it_carry_no_buildkit_prefix_nor_colours():
    error = explain(
        Stage.BUILD, ["#9 0.1 \x1b[31mnpm error\x1b[0m code E404", "#9 0.2 npm error 404 Not Found - GET https://r/x"]
    )
    assert error.lines == ("npm error code E404", "npm error 404 Not Found - GET https://r/x")
    assert "package x" in error.message


def test_only_the_lines_around_the_cause_are_shown():
    lines = (
        [f"before {n}" for n in range(100)] + ["pg_config executable not found"] + [f"after {n}" for n in range(100)]
    )
    error = explain(Stage.BUILD, lines)
    assert "pg_config executable not found" in error.lines
    assert error.lines[0] == "before 94" and error.lines[-1] == "after 5"


def test_a_missing_variable_names_the_file_it_belongs_in():
    assert "frontend_env" in explain(Stage.BUILD, ["error: Environment variable not found: DATABASE_URL."]).hint
    assert (
        "backend_env"
        in explain(Stage.START, ["error: Environment variable not found: DATABASE_URL."], exit_code=1).hint
    )


def test_a_lower_case_key_is_not_taken_for_a_variable():
    error = explain(Stage.START, ["KeyError: 'user'"], exit_code=1)
    assert error.code is Code.CRASHED_AT_START


def test_an_app_that_is_up_but_waits_for_its_database_is_not_called_crashed():
    error = explain(Stage.VERIFY, ["Error: connect ECONNREFUSED 127.0.0.1:5432"], context={"port": 3000})
    assert error.code is Code.NOT_ANSWERING
    assert "PostgreSQL" in error.message


def test_sockets_decide_before_the_log_does():
    error = explain(
        Stage.VERIFY,
        ["listening on http://0.0.0.0:3000"],
        context={"port": 3000, "listening": ["127.0.0.1:3000", "[::1]:3000"], "framework": "express"},
    )
    assert error.code is Code.LOOPBACK_ONLY
    assert "127.0.0.1:3000, [::1]:3000" in error.message
    assert "app.listen(process.env.PORT || 3000, '0.0.0.0')" in error.hint


def test_another_open_port_is_named():
    error = explain(Stage.VERIFY, [], context={"port": 8080, "listening": ["0.0.0.0:4000", "127.0.0.11:38211"]})
    assert error.code is Code.WRONG_PORT
    assert "8080" in error.message and "4000" in error.message


def test_the_expected_port_open_but_silent_is_not_answering():
    error = explain(
        Stage.VERIFY, ["ready"], context={"port": 8080, "listening": ["0.0.0.0:8080"], "timeout_seconds": 60}
    )
    assert error.code is Code.NOT_ANSWERING


def test_braces_in_output_do_no_harm():
    error = explain(
        Stage.BUILD, ["{stage} {0} {nope", 'process "/bin/sh -c echo {x}" did not complete successfully: exit code: 9']
    )
    assert "echo {x}" in error.message


def test_no_output_at_all_is_still_explained():
    for stage in Stage:
        error = explain(stage, [])
        assert error.message and error.hint


NETWORK_LINES = [
    ["npm error code ECONNRESET", "npm error network aborted"],
    ["npm error code EAI_AGAIN"],
    ["error sending request for url (https://pypi.example/simple/flask/)"],
    ["fatal: unable to access 'https://github.com/a/b/': Could not resolve host: github.com"],
    [
        "pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='files.example', port=443): Read timed out."
    ],
    ["error: RPC failed; curl 56 GnuTLS recv error (-9): Error decoding the received TLS packet."],
    ["ERROR: failed to solve: node:22: dial tcp: lookup registry.example: i/o timeout"],
    ["curl: (7) Failed to connect to example.com port 443 after 3 ms: Connection refused"],
]


@pytest.mark.parametrize("lines", NETWORK_LINES, ids=lambda lines: lines[0][:40])
def test_a_network_that_failed_is_worth_another_try(lines: list[str]):
    assert is_network_failure(lines)


@pytest.mark.parametrize(
    "lines",
    [
        ["npm error code E404", "npm error 404 Not Found - GET https://npm.example/x - Not found"],
        ["ERROR: No matching distribution found for flaskk"],
        ["Failed to fetch `Inter` from Google Fonts."],
        ["SyntaxError: Unexpected token"],
        ["manifest for node:99 not found: manifest unknown"],
        ["remote: Repository not found."],
        [],
    ],
    ids=str,
)
def test_a_server_that_says_no_is_not_asked_again(lines: list[str]):
    assert not is_network_failure(lines)


def test_a_taken_host_port_is_recognised():
    assert is_host_port_taken(["docker: Error: Bind for 127.0.0.1:8080 failed: port is already allocated."])
    assert not is_host_port_taken(["Error: listen EADDRINUSE: address already in use :::3000"])


def test_an_answer_that_disappoints_is_told_with_what_to_do():
    assert "Add 'localhost' to ALLOWED_HOSTS" in (remark_on(400, "django", "localhost") or "")
    assert "HTTP 404. It has nothing at /" in (remark_on(404, "fastapi", "localhost") or "")
    assert [status for status in (200, 204, 302, 405, 429) if remark_on(status, "django", "localhost")] == []
