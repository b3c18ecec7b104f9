"""Each example repository gets the plan that its expect.yml states, and each strategy has all its parts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import dockerfile_templates
from dockerfile_templates import STRATEGIES, detect, plan_as_dict, templates
from domain import Plan
from workspace import open_folder

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NAMES = sorted(folder.name for folder in EXAMPLES.iterdir() if folder.is_dir())
PLAN_KEYS = frozenset(
    "strategy kind framework language version package_manager install build start port dockerfile services main_service candidates".split()
)
OTHER_KEYS = frozenset({"warnings", "sources", "probe", "needs"})
WITHOUT_TEMPLATE = {"compose", "dockerfile", "monorepo"}


def _expected(name: str) -> dict[str, Any]:
    expected: dict[str, Any] = yaml.safe_load((EXAMPLES / name / "expect.yml").read_text(encoding="utf-8"))
    return expected


def _plan(name: str) -> Plan:
    return detect(open_folder(EXAMPLES / name))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_gets_the_plan_that_it_expects(name: str) -> None:
    expected, plan = _expected(name), plan_as_dict(_plan(name))
    assert not expected.keys() - PLAN_KEYS - OTHER_KEYS, "expect.yml has a key that means nothing"
    wanted = {key: value for key, value in expected.items() if key in PLAN_KEYS}
    assert {key: plan[key] for key in wanted} == wanted
    assert [entry["code"] for entry in plan["warnings"]] == expected.get("warnings", [])
    sources = {entry["field"]: entry["source"] for entry in plan["evidence"]}
    for field, source in expected.get("sources", {}).items():
        assert sources[field] == source


@pytest.mark.parametrize("name", NAMES)
def test_every_value_of_a_plan_says_where_it_came_from(name: str) -> None:
    plan = plan_as_dict(_plan(name))
    explained = {entry["field"] for entry in plan["evidence"]}
    for field in ("framework", "version", "package_manager", "install", "build", "start", "port", "main_service"):
        assert plan[field] is None or field in explained, field
    assert all(entry["source"] and entry["value"] for entry in plan["evidence"])


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda strategy: strategy.NAME)
def test_a_strategy_is_a_module_a_dockerfile_an_example_and_a_line_in_the_list(strategy: Any) -> None:
    assert strategy.__name__ == f"dockerfile_templates.{strategy.NAME}"
    assert strategy.__doc__ and callable(strategy.matches) and callable(strategy.plan)
    assert (templates.FOLDER / f"{strategy.NAME}.Dockerfile").exists() != (strategy.NAME in WITHOUT_TEMPLATE)
    assert _expected(strategy.NAME)["strategy"] == strategy.NAME


def test_nothing_in_the_folder_of_strategies_is_left_out_of_the_list() -> None:
    listed = {strategy.NAME for strategy in STRATEGIES}
    assert {path.stem for path in templates.FOLDER.glob("*.Dockerfile")} <= listed
    assert set(NAMES) >= listed


@pytest.mark.parametrize("name", NAMES)
def test_a_plan_fills_only_arguments_that_its_dockerfile_has(name: str) -> None:
    plan = _plan(name)
    declared = set(re.findall(r"^ARG (\w+)", plan.dockerfile or "", re.MULTILINE))
    assert set(plan.build_args) <= declared


@pytest.mark.parametrize("path", sorted(templates.FOLDER.glob("*.Dockerfile")), ids=lambda path: path.stem)
def test_a_template_runs_as_nobody_and_ends_in_a_fixed_command(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    final = text[text.rindex("\nFROM ") :]
    assert "USER 1000:1000" in final and "PORT=${BUTLER_PORT}" in final and "HOST=0.0.0.0" in final
    assert re.search(r'^CMD \["/bin/sh", "-c", ', final, re.MULTILINE)
    assert "# syntax" not in text


def test_nothing_from_a_repository_is_written_into_a_dockerfile(tmp_path: Path) -> None:
    evil = 'node x.js"\\nRUN touch /evil #'
    (tmp_path / "package.json").write_text(
        f'{{"scripts": {{"start": {evil!r}}}}}'.replace("'", '"').replace('x.js"', "x.js")
    )
    (tmp_path / "x.js").write_text("require('http').createServer().listen(3000)")
    plan = detect(open_folder(tmp_path))
    assert plan.dockerfile == templates.dockerfile(plan.strategy)


def test_the_assets_that_templates_mount_exist() -> None:
    for path in templates.FOLDER.glob("*.Dockerfile"):
        text = path.read_text(encoding="utf-8")
        names = re.findall(r"from=butler,source=([\w.-]+)", text) + re.findall(r"--from=butler ([\w.-]+)", text)
        assert all((templates.FOLDER / "assets" / name).is_file() for name in names)


def test_what_the_build_leaves_out_is_told_to_the_builder() -> None:
    assert {"**/node_modules", "**/.env", ".git"} <= set(dockerfile_templates.DOCKERIGNORE.splitlines())
