"""What a butler.yml may say, what is said of its mistakes, and how it is laid over what is detected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from butler_file import plan_as_dict, plan_for, read, schema_text
from domain import Kind, Plan, Variable
from robust_error_handler import Code, DeploymentFailed
from workspace import open_folder

ROOT = Path(__file__).resolve().parent.parent.parent
EXPRESS = {
    "package.json": json.dumps({"name": "a", "scripts": {"start": "node server.js"}, "dependencies": {"express": "5"}}),
    "server.js": "require('express')().listen(process.env.PORT || 3000)\n",
}
FASTAPI = {"requirements.txt": "fastapi\n", "main.py": "from fastapi import FastAPI\napp = FastAPI()\n"}
VITE = {
    "package.json": json.dumps({"name": "v", "scripts": {"build": "vite build"}, "devDependencies": {"vite": "7"}}),
    "index.html": '<script type="module" src="/src/main.js"></script>',
}


def repository(folder: Path, files: Mapping[str, str], butler: str | None = None) -> Path:
    for name, text in {**files, **({} if butler is None else {"butler.yml": butler})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def planned(folder: Path, files: Mapping[str, str], butler: str, subdirectory: str = "", **variables: str) -> Plan:
    return plan_for(open_folder(repository(folder, files, butler), subdirectory), variables)


def refusal(folder: Path, files: Mapping[str, str], butler: str) -> DeploymentFailed:
    with pytest.raises(DeploymentFailed) as failure:
        planned(folder, files, butler)
    assert failure.value.code is Code.BUTLER_FILE_INVALID and failure.value.hint
    return failure.value


def source(plan: Plan, field: str) -> str:
    (found,) = [entry.source for entry in plan.evidence if entry.field == field]
    return found


# --- its words ---


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("run:\n  comand: x", "butler.yml:2: run.comand is not a key; did you mean run.command?"),
        ("build: {dockerfil: x}", "butler.yml:1: build.dockerfil is not a key; did you mean build.dockerfile?"),
        ("port: 80", "butler.yml:1: port is not a key; did you mean run.port?"),
        (
            "\nzzz: 1",
            "butler.yml:2: zzz is not a key; there are build, run, release, healthcheck, env, resources",
        ),
        ("domains: [a.example]", "butler.yml:1: domains is not offered here: apps are reached by their port"),
        ("env:\n  A:\n    requird: true", "butler.yml:3: env.A.requird is not a key; did you mean env.A.required?"),
        ("run: {port: many}", "butler.yml:1: run.port must be a whole number"),
        ("run: {port: 70000}", "butler.yml:1: run.port input should be less than or equal to 65535"),
        ("resources: {memory: lots}", "butler.yml:1: resources.memory is written like 512m or 1g"),
        ("healthcheck: {timeout: soon}", "butler.yml:1: healthcheck.timeout is written like 30, 90s or 2m"),
        ("healthcheck: {path: 'a b'}", "butler.yml:1: healthcheck.path is written like /health"),
        ("env: {'a b': x}", "butler.yml:1: env.a b: 'a b' is not a name that can be used here"),
        ("env: {A: {generator: dice}}", "butler.yml:1: env.A.generator input should be 'secret'"),
        ("run: [", "butler.yml is not valid YAML"),
        ("- a", "butler.yml does not hold a mapping of keys."),
    ],
)
def test_a_mistake_is_told_with_its_line_and_the_word_that_was_meant(tmp_path: Path, text: str, sentence: str) -> None:
    assert refusal(tmp_path, EXPRESS, text).message.startswith(sentence)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    error = refusal(tmp_path, EXPRESS, "run:\n  prot: 1\nrelese: x\nbuild:\n  arg: {}\n")
    assert [line.split(": ")[0] for line in error.lines] == ["butler.yml:2", "butler.yml:3", "butler.yml:5"]
    assert error.message.endswith("(and 2 more)")


def test_words_of_the_authors_own_and_empty_sections_say_nothing(tmp_path: Path) -> None:
    plan = planned(tmp_path, EXPRESS, "x-owner: {team: web}\nrun:\nbuild: {x-note: hi}\n")
    assert plan == plan_for(open_folder(repository(tmp_path / "bare", EXPRESS)))


def test_a_repository_without_the_file_and_one_with_an_empty_file_are_alike(tmp_path: Path) -> None:
    assert read(open_folder(repository(tmp_path, EXPRESS))) is None
    assert read(open_folder(repository(tmp_path, EXPRESS, "# nothing yet\n"))) is None


def test_the_published_schema_is_the_codes() -> None:
    published = (ROOT / "docs" / "butler.schema.json").read_text(encoding="utf-8")
    assert published == schema_text(), "run `python -m butler_file > docs/butler.schema.json`"
    schema: dict[str, Any] = json.loads(published)
    assert list(schema["properties"]) == ["build", "run", "release", "healthcheck", "env", "resources"]
    assert schema["additionalProperties"] is False


def test_a_huge_nested_or_aliased_file_ends_in_an_error_soon(tmp_path: Path) -> None:
    bomb = "x-a: &a [1,1,1,1,1,1,1,1,1]\n" + "\n".join(
        f"x-{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]" for n in range(9)
    )
    for text in (bomb, "x-a: " + "[" * 5000, "x-a: " + "y" * 300_000):
        refusal(tmp_path, EXPRESS, text)


# --- what they do ---


def test_each_value_names_its_line_and_beats_what_was_detected(tmp_path: Path) -> None:
    butler = "build:\n  command: npm run check\nrun:\n  command: node --enable-source-maps server.js\n  port: 4000\n"
    plan = planned(tmp_path, EXPRESS, butler)
    assert (plan.kind, plan.build, plan.port) == (Kind.NODE, "npm run check", 4000)
    assert plan.build_args["BUTLER_START"] == "exec node --enable-source-maps server.js"
    assert (plan.build_args["BUILD"], plan.build_args["RUN_FROM"]) == ("npm run check", "built")
    assert plan.build_args["BUTLER_PORT"] == "4000"
    assert source(plan, "build") == "build.command in butler.yml, line 2"
    assert source(plan, "start") == "run.command in butler.yml, line 4"
    assert source(plan, "port") == "run.port in butler.yml, line 5"
    assert "package.json" in source(plan, "framework")


def test_the_request_beats_the_file(tmp_path: Path) -> None:
    plan = planned(tmp_path, EXPRESS, "run: {port: 4000}", PORT="5000")
    assert (plan.port, source(plan, "port")) == (5000, "PORT in backend_env of the request")
    inner = planned(tmp_path / "m", {f"{d}/{k}": v for d in "ab" for k, v in EXPRESS.items()}, "build: {root: a}", "b")
    assert source(inner, "subdirectory") == "the request"
    assert not [entry for entry in inner.evidence if "butler.yml" in entry.source]


def test_a_start_command_brings_the_server_that_it_calls(tmp_path: Path) -> None:
    plan = planned(tmp_path, FASTAPI, "run: {command: 'gunicorn -k uvicorn.workers.UvicornWorker main:app'}")
    assert "gunicorn" in plan.build_args["EXTRA_PACKAGES"].split()


def test_an_image_that_takes_no_start_command_gets_it_at_the_run(tmp_path: Path) -> None:
    files = {"Dockerfile": "FROM x\nEXPOSE 80\nCMD serve\n"}
    plan = planned(tmp_path, files, "run: {command: serve --fast && true}")
    assert (plan.kind, plan.command) == (Kind.DOCKERFILE, "exec serve --fast && true".replace("exec ", ""))
    assert plan.start == "serve --fast && true"


def test_a_dockerfile_of_another_name_and_folder_is_built_in_its_context(tmp_path: Path) -> None:
    files = {**EXPRESS, "deploy/web.Dockerfile": "ARG NAME\nFROM x\nEXPOSE 8088\n"}
    butler = "build: {dockerfile: ./deploy/web.Dockerfile, context: deploy, args: {NAME: y, OTHER: z}}"
    plan = planned(tmp_path, files, butler)
    assert (plan.kind, plan.dockerfile_path, plan.context) == (Kind.DOCKERFILE, "deploy/web.Dockerfile", "deploy")
    assert (plan.port, dict(plan.build_args)) == (8088, {"NAME": "y"})
    assert [warning.code for warning in plan.warnings] == ["build-arg-unused"]


def test_a_root_is_planned_and_told_from_the_top(tmp_path: Path) -> None:
    files = {f"services/web/{name}": text for name, text in EXPRESS.items()} | {"services/web/Dockerfile": "FROM x"}
    plan = planned(tmp_path, files, "build: {root: services/web}\nrun: {port: 81}")
    assert (plan.context, plan.dockerfile_path, plan.port) == ("services/web", "services/web/Dockerfile", 81)
    again = plan_for(open_folder(tmp_path, "services/web"))
    assert (again.dockerfile_path, again.port) == ("Dockerfile", 81), "asked for by hand, the same words count"


def test_a_builder_is_used_although_another_comes_first(tmp_path: Path) -> None:
    files = {**EXPRESS, "Dockerfile": "FROM x"}
    plan = planned(tmp_path, files, "build: {builder: node}")
    assert (plan.kind, source(plan, "strategy")) == (Kind.NODE, "build.builder in butler.yml, line 1")


@pytest.mark.parametrize(
    ("butler", "words"),
    [
        ("build: {builder: cobol}", "there is no builder 'cobol'"),
        ("build: {builder: django}", "the repository is not of the kind django"),
        ("build: {dockerfile: nope}", "there is no file nope"),
        ("build: {root: nope}", "no folder 'nope'"),
        ("build: {root: ../..}", "outside the repository"),
        ("build: {context: src}", "a context goes with a Dockerfile"),
        ("run: {command: a, processes: {web: b}}", "run.command gives too"),
    ],
)
def test_a_word_that_cannot_be_followed_is_refused(tmp_path: Path, butler: str, words: str) -> None:
    assert words in refusal(tmp_path, EXPRESS, butler).message


def test_a_compose_file_says_itself_how_its_services_run(tmp_path: Path) -> None:
    files = {"compose.yml": "services: {web: {image: nginx, ports: ['80:80']}}"}
    assert "compose.yml says how" in refusal(tmp_path, files, "release: migrate").message
    plan = planned(tmp_path, files, "healthcheck: {path: /up}\nrun: {port: 8080}\nenv: {A: {required: true}}")
    assert plan.healthcheck is not None and plan.healthcheck.path == "/up"
    assert (plan.port, plan.declared[0].required) == (8080, True)


def test_health_resources_release_and_processes_are_in_the_plan_and_its_json(tmp_path: Path) -> None:
    butler = """
release: npm run migrate
healthcheck: {path: /up, timeout: 2m, interval: 500ms}
resources: {memory: 256m, cpus: 0.5}
run: {processes: {web: node server.js, worker: node worker.js}}
"""
    plan = planned(tmp_path, EXPRESS, butler)
    assert (plan.start, dict(plan.processes)) == ("node server.js", {"worker": "node worker.js"})
    assert (plan.services, plan.main_service) == (("web", "worker"), "web")
    answer = plan_as_dict(plan)
    assert answer["healthcheck"] == {"path": "/up", "timeout": 120.0}
    assert answer["resources"] == {"memory": "256m", "cpus": 0.5}
    assert (answer["release"], answer["processes"]) == ("npm run migrate", {"worker": "node worker.js"})
    assert answer["error"] is None and list(answer)[-1] == "error"


def test_a_variable_belongs_to_the_build_where_browsers_get_it(tmp_path: Path) -> None:
    env = "env: {VITE_KEY: {required: true}, PORT_NAME: 5, FLAG: yes, DEBUG: false}"
    server = planned(tmp_path / "server", EXPRESS, env)
    assert [(entry.name, entry.at_build) for entry in server.declared][:2] == [
        ("VITE_KEY", True),
        ("PORT_NAME", False),
    ]
    assert [entry.value for entry in server.declared] == [None, "5", "yes", "false"]
    files_only = planned(tmp_path / "files", VITE, env)
    assert all(entry.at_build for entry in files_only.declared)
    assert isinstance(files_only.declared[0], Variable)
