"""When a front end and a back end side by side are one deployment, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from butler_file import plan_as_dict, plan_for
from domain import Kind, Plan
from robust_error_handler import Code, DeploymentFailed
from tests.unit.test_butler_file import EXPRESS, FASTAPI, VITE, repository
from workspace import open_folder


def within(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in files.items()}


def planned(folder: Path, *parts: Mapping[str, str]) -> Plan:
    return plan_for(open_folder(repository(folder, {name: text for part in parts for name, text in part.items()})))


@pytest.mark.parametrize(
    ("front", "back"),
    [
        ("frontend", "backend"),
        ("client", "server"),
        ("web", "api"),
        ("apps/web", "apps/api"),
        ("apps/ui", "apps/server"),
    ],
)
def test_a_front_end_beside_a_back_end_is_one_plan_of_two_parts(tmp_path: Path, front: str, back: str) -> None:
    plan = planned(tmp_path, within(front, VITE), within(back, FASTAPI))
    names = (front.split("/")[-1], back.split("/")[-1])
    assert (plan.kind, plan.strategy, plan.services) == (Kind.MONOREPO, "two-part", names)
    assert (plan.main_service, plan.port, plan.framework) == (names[0], 8080, "vite + fastapi")
    assert [part.plan.context for part in plan.parts] == [front, back]
    answer = plan_as_dict(plan)
    assert [(part["name"], part["kind"]) for part in answer["parts"]] == [(names[0], "spa"), (names[1], "fastapi")]


def test_the_variables_that_the_front_end_reads_the_address_from_are_found(tmp_path: Path) -> None:
    source = {"frontend/src/api.ts": "fetch(import.meta.env.VITE_BACKEND_URL); process.env.REACT_APP_API_BASE_URL"}
    plan = planned(tmp_path, within("frontend", VITE), within("backend", FASTAPI), source)
    assert {"VITE_BACKEND_URL", "REACT_APP_API_BASE_URL", "VITE_API_URL"} <= set(plan.parts[0].api_variables)
    sources = {entry.value: entry.source for entry in plan.evidence if entry.field == "api_variable"}
    assert sources["VITE_BACKEND_URL"] == "frontend/src/api.ts"


def test_a_proxy_for_development_and_folders_left_out_are_warned_of(tmp_path: Path) -> None:
    proxy = {"frontend/vite.config.ts": "export default { server: { proxy: { '/api': 'http://localhost:8000' } } }"}
    more = {"mobile/package.json": "{}"}
    plan = planned(tmp_path, within("frontend", VITE), within("backend", FASTAPI), proxy, more)
    warned = {warning.code: warning.message for warning in plan.warnings}
    assert "frontend/vite.config.ts" in warned["dev-proxy-is-not-there"]
    assert "mobile" in warned["folders-not-deployed"]


def test_each_part_may_have_its_own_butler_yml(tmp_path: Path) -> None:
    own = {"backend/butler.yml": "run: {port: 9000}\nrelease: alembic upgrade head\nenv: {KEY: {required: true}}\n"}
    plan = planned(tmp_path, within("frontend", VITE), within("backend", FASTAPI), own)
    back = plan.parts[1].plan
    assert (back.port, back.release) == (9000, "alembic upgrade head")
    assert [entry.name for entry in plan.declared] == ["KEY"]
    assert ("backend.port", "run.port in backend/butler.yml, line 1") in {(e.field, e.source) for e in plan.evidence}


def test_the_butler_yml_above_the_parts_declares_variables_and_nothing_that_is_about_one(tmp_path: Path) -> None:
    parts = (within("frontend", VITE), within("backend", FASTAPI))
    plan = planned(tmp_path / "a", *parts, {"butler.yml": "env: {KEY: {generator: secret}}"})
    assert [(entry.name, entry.generator) for entry in plan.declared] == [("KEY", "secret")]
    with pytest.raises(DeploymentFailed, match="several parts") as failure:
        planned(tmp_path / "b", *parts, {"butler.yml": "release: migrate"})
    assert failure.value.code is Code.BUTLER_FILE_INVALID and "frontend or backend" in failure.value.hint
    one = planned(tmp_path / "c", *parts, {"butler.yml": "build: {root: backend}\nrelease: migrate"})
    assert (one.kind, one.context, one.release) == (Kind.FASTAPI, "backend", "migrate")


def test_a_top_that_starts_everything_itself_is_one_application(tmp_path: Path) -> None:
    parts = (within("client", VITE), within("server", EXPRESS))
    whole = {
        "package.json": json.dumps({"scripts": {"start": "node server/server.js"}, "dependencies": {"express": "5"}})
    }
    assert planned(tmp_path / "a", *parts, whole).kind is Kind.NODE
    runner = {"package.json": json.dumps({"scripts": {"start": "concurrently 'npm:client' 'npm:server'"}})}
    assert planned(tmp_path / "b", *parts, runner).strategy == "two-part"
    assert planned(tmp_path / "c", *parts, {"Dockerfile": "FROM x\nEXPOSE 80"}).kind is Kind.DOCKERFILE


@pytest.mark.parametrize(
    "files",
    [
        {**within("web", VITE), **within("docs", VITE)},
        {**within("web", VITE), **within("client", VITE), **within("api", FASTAPI)},
        {**within("frontend", VITE), "backend/notes.txt": "nothing", **within("tools", FASTAPI)},
        {
            **within("apps/web", VITE),
            **within("apps/api", EXPRESS),
            "apps/api/package.json": json.dumps(
                {"scripts": {"start": "node server.js"}, "dependencies": {"express": "5", "@acme/db": "workspace:*"}}
            ),
        },
    ],
    ids=["two front ends", "two front ends and an API", "no back end", "a part that needs its workspace"],
)
def test_what_is_not_clearly_two_parts_is_a_choice(tmp_path: Path, files: Mapping[str, str]) -> None:
    try:
        plan = planned(tmp_path, files)
    except DeploymentFailed as error:
        assert error.code is Code.NOTHING_RECOGNISED and "candidate: " in "\n".join(error.lines)
    else:
        assert plan.strategy != "two-part"


def test_several_applications_are_listed_as_a_monorepo_to_choose_from(tmp_path: Path) -> None:
    from cli.planning import no_plan

    with pytest.raises(DeploymentFailed) as failure:
        planned(tmp_path, within("shop", VITE), within("blog", FASTAPI))
    answer = no_plan(failure.value)
    assert answer["kind"] == "monorepo"
    assert answer["candidates"] == ["blog/ (fastapi)", "shop/ (vite)"]
