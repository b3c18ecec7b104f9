"""A request's own words with butler.yml's keys: how they are read, laid over the file and the detected plan, and told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from butler_file import plan_as_dict, plan_for, read_overrides
from domain import Kind, Plan
from robust_error_handler import Code, DeploymentFailed
from tests.unit.test_butler_file import EXPRESS, FASTAPI, VITE, repository, source
from workspace import open_folder

COMPOSE = {
    "compose.yml": "services:\n  web: {build: ., ports: ['80:80']}\n  api: {build: ., expose: ['9000']}\n"
    "  task: {build: ., profiles: [once]}\n",
    "Dockerfile": "FROM x",
}


def planned(
    folder: Path,
    files: Mapping[str, str],
    overrides: Mapping[str, Any] | str,
    butler: str | None = None,
    subdirectory: str = "",
    **variables: str,
) -> Plan:
    workspace = open_folder(repository(folder, files, butler), subdirectory)
    return plan_for(workspace, variables, read_overrides(overrides))


def refusal(
    folder: Path, files: Mapping[str, str], overrides: Mapping[str, Any] | str, butler: str | None = None
) -> DeploymentFailed:
    with pytest.raises(DeploymentFailed) as failure:
        planned(folder, files, overrides, butler)
    assert failure.value.hint
    return failure.value


# --- reading ---


def test_text_in_yaml_or_json_and_an_object_say_the_same() -> None:
    wanted = {"run": {"port": 3000}, "build": {"command": "make"}}
    assert read_overrides("run: {port: 3000}\nbuild:\n  command: make\n") == wanted
    assert read_overrides(json.dumps(wanted)) == wanted
    assert read_overrides(json.dumps(wanted, indent="\t")) == wanted
    assert read_overrides(wanted) == wanted


@pytest.mark.parametrize("nothing", ["", "  \n# nothing\n", "{}", "run:\nbuild: {}\n", "x-mine: 1", {}, {"run": {}}])
def test_what_says_nothing_is_none(nothing: str | dict[str, Any]) -> None:
    assert read_overrides(nothing) is None


def test_values_are_kept_in_one_form_in_which_they_can_be_compared() -> None:
    text = "build: {version: 20, args: {A: 1}}\nhealthcheck: {timeout: 90}\nenv: {DEBUG: false}\nx-note: hi\n"
    assert read_overrides(text) == {
        "build": {"version": "20", "args": {"A": "1"}},
        "healthcheck": {"timeout": "90"},
        "env": {"DEBUG": "false"},
    }


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ("run:\n  comand: x", "overrides:2: run.comand is not a key; did you mean run.command?"),
        ('{\n "run": {\n  "port": "many"}}', "overrides:3: run.port must be a whole number"),
        ({"run": {"comand": "x"}}, "overrides: run.comand is not a key; did you mean run.command?"),
        ("port: 80", "overrides:1: port is not a key; did you mean run.port?"),
        ("build: {instal: x}", "overrides:1: build.instal is not a key; did you mean build.install?"),
        ("build: {version: latest}", "overrides:1: build.version is written like 20 or 3.12"),
        ("build: {output: ../x y}", "overrides:1: build.output is written like dist or build/client"),
        ("build: {package_manager: cargo}", "overrides:1: build.package_manager input should be 'npm',"),
        ("- a", "overrides does not hold a mapping of keys."),
        ("run: [", "overrides is not valid YAML"),
        ("x: " + "y" * 70_000, "overrides are larger than 64 KiB."),
        ({"run": {"command": "a\0b"}}, "overrides: run.command"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_word_that_was_meant(sent: Any, message: str) -> None:
    with pytest.raises(DeploymentFailed) as failure:
        read_overrides(sent)
    assert failure.value.message.startswith(message)
    assert (failure.value.code, failure.value.status) == (Code.OVERRIDES_INVALID, 422)
    assert "butler.yml" not in failure.value.message


@pytest.mark.parametrize("depth", [40, 60, 300, 480, 900, 5000])
def test_what_is_nested_deeply_ends_in_an_error_soon(depth: int) -> None:
    for text in ('{"run":' * depth + "1" + "}" * depth, '{"x-a":' * depth + "[" + "}" * depth):
        with pytest.raises(DeploymentFailed):
            read_overrides(text)


# --- precedence ---


def test_the_request_beats_what_is_detected_where_there_is_no_butler_yml(tmp_path: Path) -> None:
    wanted = {"build": {"command": "npm run check"}, "run": {"command": "node x.js", "port": 4000}}
    plan = planned(tmp_path, EXPRESS, wanted)
    assert (plan.build, plan.start, plan.port, plan.is_port_told) == ("npm run check", "node x.js", 4000, True)
    assert source(plan, "port") == "run.port in the request"
    assert source(plan, "build") == "build.command in the request"
    assert source(plan, "start") == "run.command in the request"
    assert plan.build_args["BUTLER_PORT"] == "4000"


def test_request_and_file_hold_together_key_by_key(tmp_path: Path) -> None:
    butler = "build:\n  command: npm run a\nrun:\n  port: 1000\nhealthcheck: {path: /up, timeout: 9s}\n"
    plan = planned(tmp_path, EXPRESS, {"run": {"port": 2000}, "healthcheck": {"path": "/well"}}, butler)
    assert (plan.build, source(plan, "build")) == ("npm run a", "build.command in butler.yml, line 2")
    assert (plan.port, source(plan, "port")) == (2000, "run.port in the request")
    assert plan.healthcheck is not None
    assert (plan.healthcheck.path, plan.healthcheck.timeout_seconds) == ("/well", 9.0)
    assert source(plan, "healthcheck") == "healthcheck in the request and healthcheck in butler.yml, line 5"


def test_variables_and_processes_are_laid_over_one_by_one(tmp_path: Path) -> None:
    butler = "env:\n  A: {required: true, description: the a}\n  B: one\nrun: {processes: {w: a, v: b}}\n"
    plan = planned(tmp_path, EXPRESS, {"env": {"A": "mine", "C": "3"}, "run": {"processes": {"w": "c"}}}, butler)
    declared = {entry.name: entry for entry in plan.declared}
    assert (declared["A"].required, declared["A"].description, declared["A"].value) == (True, "the a", "mine")
    assert (declared["B"].value, declared["C"].value) == ("one", "3")
    assert dict(plan.processes) == {"w": "c", "v": "b"}


def test_a_wrong_value_of_the_file_is_replaced_and_its_other_mistakes_are_told_as_the_files(tmp_path: Path) -> None:
    assert planned(tmp_path / "a", EXPRESS, {"run": {"port": 3}}, "run: {port: many}").port == 3
    error = refusal(tmp_path / "b", EXPRESS, {"run": {"port": 3}}, "run: {port: many}\nrelese: x\n")
    assert (error.code, error.message) == (
        Code.BUTLER_FILE_INVALID,
        "butler.yml:2: relese is not a key; did you mean release?",
    )


def test_a_choice_in_the_request_takes_the_place_of_another_in_the_file(tmp_path: Path) -> None:
    files = {**EXPRESS, "own/Dockerfile": "FROM x\nEXPOSE 81\n"}
    by_file = "build: {dockerfile: own/Dockerfile, context: own}"
    node = planned(tmp_path / "a", files, {"build": {"builder": "node"}}, by_file)
    assert (node.kind, source(node, "strategy")) == (Kind.NODE, "build.builder in the request")
    own = planned(tmp_path / "b", files, {"build": {"dockerfile": "own/Dockerfile", "context": "own"}}, by_file)
    assert (own.kind, own.context, source(own, "context")) == (
        Kind.DOCKERFILE,
        "own",
        "build.context in the request",
    )
    web = planned(tmp_path / "c", files, {"run": {"command": "node b.js"}}, "run: {processes: {web: a, w: b}}")
    assert (web.start, dict(web.processes)) == ("node b.js", {"w": "b"})


def test_the_overrides_port_beats_the_variable_of_the_request_and_says_so(tmp_path: Path) -> None:
    plan = planned(tmp_path, EXPRESS, {"run": {"port": 4000}}, PORT="5000")
    assert (plan.port, plan.build_args["BUTLER_PORT"]) == (4000, "4000")
    assert source(plan, "port") == "run.port in the request, which beats PORT in its backend_env"
    assert planned(tmp_path, EXPRESS, {"build": {"command": "x"}}, PORT="5000").port == 5000
    same = planned(tmp_path, EXPRESS, {"run": {"port": 5000}}, PORT="5000")
    assert source(same, "port") == "run.port in the request"


def test_a_root_of_the_request_is_deployed_with_the_butler_yml_there_or_the_one_above(tmp_path: Path) -> None:
    files = {f"{folder}/{name}": text for folder in ("a", "b") for name, text in EXPRESS.items()}
    inner = {**files, "b/butler.yml": "build: {command: make inner}\n"}
    plan = planned(tmp_path / "inner", inner, {"build": {"root": "b"}, "run": {"port": 7}})
    assert (plan.context, plan.build, plan.port) == ("b", "make inner", 7)
    assert source(plan, "build") == "build.command in b/butler.yml, line 1"
    assert source(plan, "root") == "build.root in the request"
    above = planned(tmp_path / "above", files, {"build": {"root": "b"}}, "build: {root: a, command: make top}")
    assert (above.context, above.build) == ("b", "make top")
    deeper = planned(tmp_path / "deep", {f"x/{k}": v for k, v in files.items()}, {"build": {"root": "a"}}, None, "x")
    assert (deeper.context, deeper.kind) == ("a", Kind.NODE)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"build": {"builder": "cobol"}}, "build.builder in the request: there is no builder 'cobol'"),
        ({"build": {"dockerfile": "nope"}}, "build.dockerfile in the request: there is no file nope"),
        ({"build": {"root": "../.."}}, "build.root in the request: ../.. is outside the repository"),
        ({"build": {"root": "nope"}}, "build.root in the request: The repository has no folder 'nope'."),
        ({"build": {"output": "dist"}}, "build.output in the request: an app of the kind node does not serve"),
        ({"build": {"version": "99"}}, "build.version in the request: node 99 is not offered here"),
        ({"build": {"package_manager": "poetry"}}, "an app of the kind node is not installed by poetry"),
        ({"run": {"service": "web"}}, "run.service in the request: only a Compose file has services"),
    ],
)
def test_a_word_that_cannot_be_followed_is_refused_as_the_requests(
    tmp_path: Path, overrides: dict[str, Any], words: str
) -> None:
    error = refusal(tmp_path, EXPRESS, overrides)
    assert words in error.message
    assert (error.code, error.status) == (Code.OVERRIDES_INVALID, 422)


def test_a_key_about_one_part_is_refused_where_there_are_two(tmp_path: Path) -> None:
    files = {
        **{f"frontend/{name}": text for name, text in VITE.items()},
        **{f"backend/{name}": text for name, text in EXPRESS.items()},
    }
    for overrides in ({"run": {"port": 80}}, {"build": {"install": "x"}}, {"build": {"version": "20"}}):
        error = refusal(tmp_path, files, overrides)
        assert "the repository has several parts, and this is about one" in error.message
        assert error.hint.startswith("Say it in the butler.yml in frontend or backend, or choose one of them by")
    part = planned(tmp_path, files, {"build": {"root": "backend"}, "run": {"port": 80}})
    assert (part.kind, part.port, part.context) == (Kind.NODE, 80, "backend")
    both = planned(tmp_path, files, {"env": {"A": "1"}})
    assert [part.name for part in both.parts] == ["frontend", "backend"] and both.declared[0].value == "1"
    assert "run.port" not in plan_as_dict(both)["overridable"]


# --- version, package manager, install command, output folder, service ---


def test_a_version_is_that_of_the_base_image(tmp_path: Path) -> None:
    node = planned(tmp_path / "n", EXPRESS, {"build": {"version": "20"}})
    assert (node.version, node.build_args["NODE_IMAGE"]) == ("20", "node:20-slim")
    assert source(node, "version") == "build.version in the request"
    patch = planned(tmp_path / "n", EXPRESS, {"build": {"version": "20.11.1"}})
    assert (patch.version, source(patch, "version")) == ("20", "build.version in the request (20.11.1)")
    python = planned(tmp_path / "p", {**FASTAPI, ".python-version": "3.13"}, "build: {version: 3.11}")
    assert (python.version, python.build_args["PYTHON_IMAGE"]) == ("3.11", "python:3.11-slim")
    go_files = {"go.mod": "module x\n\ngo 1.22\n", "main.go": "package main\nfunc main() {}\n"}
    go = planned(tmp_path / "g", go_files, {}, "build:\n  version: 1.25")
    assert (go.build_args["GO_IMAGE"], source(go, "version")) == (
        "golang:1.25",
        "build.version in butler.yml, line 2",
    )
    php = planned(tmp_path / "h", {"index.php": "<?php", **VITE}, {"build": {"builder": "php", "version": "8.1"}})
    assert (php.build_args["PHP_IMAGE"], php.build_args["NODE_IMAGE"]) == ("php:8.1-apache", "node:22-slim")


def test_a_package_manager_brings_its_own_commands(tmp_path: Path) -> None:
    files = {**EXPRESS, "package-lock.json": "{}"}
    pnpm = planned(tmp_path / "n", files, {"build": {"package_manager": "pnpm"}})
    assert (pnpm.package_manager, pnpm.install) == ("pnpm", "pnpm install --no-frozen-lockfile")
    assert pnpm.build_args["PACKAGE_MANAGER"] == "pnpm@9"
    assert source(pnpm, "package_manager") == "build.package_manager in the request"
    uv = planned(tmp_path / "p", FASTAPI, {"build": {"package_manager": "uv"}})
    assert (uv.package_manager, uv.install) == ("uv", "uv pip install -r requirements.txt")
    assert uv.build_args["INSTALLER"] == "uv"


def test_a_package_manager_that_has_nothing_to_read_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path / "p", FASTAPI, {"build": {"package_manager": "pipenv"}})
    assert "pipenv cannot install what is in this repository" in error.message
    manifest = json.loads(EXPRESS["package.json"]) | {"packageManager": "yarn@1.22.22"}
    files = {**EXPRESS, "package.json": json.dumps(manifest)}
    assert "packageManager" in refusal(tmp_path / "n", files, {"build": {"package_manager": "pnpm"}}).hint
    assert planned(tmp_path / "n", files, {"build": {"package_manager": "npm"}}).install == "npm install"


def test_an_install_command_sees_the_source_unless_it_only_reads_manifests(tmp_path: Path) -> None:
    plain = planned(tmp_path, EXPRESS, {"build": {"install": "npm ci --legacy-peer-deps"}})
    assert plain.install == plain.build_args["INSTALL"] == "npm ci --legacy-peer-deps"
    assert (plain.build_args["INSTALL_FROM"], plain.build_args["INSTALL_UNLOCKED"]) == ("manifests", "")
    script = planned(tmp_path, EXPRESS, {"build": {"install": "npm ci && node tools/prepare.js"}})
    assert script.build_args["INSTALL_FROM"] == "source"
    assert source(script, "install") == "build.install in the request"


def test_an_output_folder_is_what_is_served_and_no_other(tmp_path: Path) -> None:
    spa = planned(tmp_path / "s", VITE, {"build": {"output": "./build/client/"}})
    assert (spa.build_args["OUTPUT"], spa.build_args["OUTPUT_TOLD"]) == ("build/client", "1")
    assert plan_as_dict(spa)["output"] == "build/client"
    assert (spa.start, source(spa, "start")) == ("static server on build/client/", "build.output in the request")
    files = {"index.html": "a", "www2/index.html": "b"}
    assert planned(tmp_path / "f", files, {"build": {"output": "www2"}}).build_args["SITE"] == "www2"
    assert "there is no folder www3" in refusal(tmp_path / "f", files, {"build": {"output": "www3"}}).message
    assert "outside" in refusal(tmp_path / "f", files, {"build": {"output": "../x"}}).message


def test_a_service_of_a_compose_file_is_made_the_site_with_its_own_port(tmp_path: Path) -> None:
    plan = planned(tmp_path, COMPOSE, {"run": {"service": "api"}})
    assert (plan.main_service, plan.port) == ("api", 9000)
    assert source(plan, "main_service") == "run.service in the request"
    told = planned(tmp_path, COMPOSE, {"run": {"service": "api", "port": 81}})
    assert (told.port, told.is_port_told) == (81, True)
    for name in ("nope", "task"):
        error = refusal(tmp_path, COMPOSE, {"run": {"service": name}})
        assert (f"starts no service '{name}'" in error.message, error.hint) == (True, "Choose one of web, api.")


@pytest.mark.parametrize("key", ["version", "install", "package_manager", "output"])
def test_a_compose_file_and_an_own_dockerfile_say_it_themselves(tmp_path: Path, key: str) -> None:
    value = {"version": "20", "package_manager": "npm"}.get(key, "x")
    error = refusal(tmp_path / "c", COMPOSE, {"build": {key: value}})
    assert error.message.startswith(f"build.{key} in the request: compose.yml says how")
    error = refusal(tmp_path / "d", {"Dockerfile": "FROM x", **EXPRESS}, {"build": {key: value}})
    assert error.message.startswith(f"build.{key} in the request: Dockerfile ") and error.hint


def test_the_plan_tells_which_keys_it_can_take_and_takes_them(tmp_path: Path) -> None:
    values = {
        "build.version": "20", "build.package_manager": "yarn", "build.install": "yarn", "build.command": "x",
        "build.output": "d", "run.command": "x", "run.port": 5, "run.service": "api", "release": "x",
        "build.args": {"A": "b"}, "run.processes": {"w": "x"}, "healthcheck": {"path": "/"},
        "resources": {"memory": "1g"}, "build.context": ".",
    }  # fmt: skip
    for name, files in {"node": EXPRESS, "spa": VITE, "compose": COMPOSE, "own": {"Dockerfile": "FROM x"}}.items():
        offered = plan_as_dict(plan_for(open_folder(repository(tmp_path / name, files))))["overridable"]
        for key, value in values.items():
            section, _, inner = key.partition(".")
            overrides = {section: {inner: value} if inner else value}
            if key in offered:
                planned(tmp_path / name, files, overrides)
            else:
                refusal(tmp_path / name, files, overrides)
