"""A JavaScript repository of several packages: which one is deployed, and how one of them is deployed by its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dockerfile_templates import detect
from domain import Kind, Plan
from robust_error_handler import DeploymentFailed
from workspace import open_folder

NEXT = {"scripts": {"build": "next build", "start": "next start"}, "dependencies": {"next": "15"}}
SITE = {"scripts": {"build": "vite build"}, "dependencies": {"react": "19", "vite": "6"}}


def written(folder: Path, files: Mapping[str, str | dict[str, Any]]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
    return folder


def root(start: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"workspaces": ["apps/*", "packages/*"], "scripts": {"start": start} if start else {}, **fields}


def source(plan: Plan, field: str) -> str:
    return next(entry.source for entry in plan.evidence if entry.field == field)


@pytest.mark.parametrize(
    "start",
    [
        "cd apps/docs && npm start",
        "npm run start --workspace=@acme/docs",
        "npm start -w apps/docs",
        "yarn workspace @acme/docs start",
        "pnpm --filter @acme/docs start",
        "turbo run start --filter=@acme/docs...",
    ],
)
def test_the_package_that_the_root_hands_its_start_over_to_is_the_site(tmp_path: Path, start: str) -> None:
    files = {
        "package.json": root(start),
        "apps/docs/package.json": {"name": "@acme/docs", **NEXT},
        "apps/web/package.json": {"name": "@acme/web", **NEXT},
    }
    plan = detect(open_folder(written(tmp_path, files)))
    assert (plan.kind, plan.port, plan.candidates) == (Kind.MONOREPO, 3000, ("apps/web/",))
    assert plan.start == "cd apps/docs && PATH=$PWD/node_modules/.bin:$PATH next start -H 0.0.0.0 -p $PORT"


def test_a_root_that_starts_several_sites_side_by_side_is_a_choice_and_no_program_without_a_port(
    tmp_path: Path,
) -> None:
    files = {"package.json": root("turbo run start"), "apps/a/package.json": NEXT, "apps/b/package.json": NEXT}
    with pytest.raises(DeploymentFailed) as failure:
        detect(open_folder(written(tmp_path, files)))
    assert failure.value.lines[:2] == ("candidate: apps/a/ (nextjs)", "candidate: apps/b/ (nextjs)")


def test_a_folder_that_needs_its_neighbours_is_installed_and_built_from_the_root(tmp_path: Path) -> None:
    shared = {"name": "@acme/ui", "scripts": {"build": "tsc"}}
    files = {
        "package.json": root(packageManager="npm@10.9.2", engines={"node": "22"}),
        "package-lock.json": "{}",
        "packages/ui/package.json": shared,
        "apps/web/package.json": {"name": "web", **NEXT, "dependencies": {"next": "15", "@acme/ui": "*"}},
    }
    plan = detect(open_folder(written(tmp_path, files), "apps/web"))
    assert (plan.strategy, plan.kind, plan.context) == ("nextjs", Kind.NEXTJS, "../..")
    assert (plan.install, plan.version, plan.port) == ("npm ci", "22", 3000)
    assert plan.start == "next start -H 0.0.0.0 -p $PORT"
    assert "\nWORKDIR /app/apps/web\n" in (plan.dockerfile or "")
    assert plan.build == "npm run build --workspace @acme/ui && npm run build --workspace web"
    assert source(plan, "version").startswith("engines.node in ../../package.json:")
    assert source(plan, "build").startswith("scripts.build in package.json:")


def test_a_folder_whose_lockfile_lies_at_the_root_is_installed_by_it(tmp_path: Path) -> None:
    files = {"package.json": {"workspaces": ["frontend"]}, "bun.lock": "{}", "frontend/package.json": SITE}
    plan = detect(open_folder(written(tmp_path, files), "frontend"))
    assert (plan.kind, plan.package_manager, plan.context) == (Kind.SPA, "bun", "..")
    assert plan.build_args["OUTPUT"] == "frontend/dist"
    assert source(plan, "package_manager") == "../bun.lock"


def test_a_folder_with_a_lockfile_of_its_own_and_no_neighbours_stands_by_itself(tmp_path: Path) -> None:
    files = {
        "package.json": {"workspaces": ["site"]},
        "yarn.lock": "# yarn lockfile v1",
        "site/package.json": SITE,
        "site/package-lock.json": "{}",
    }
    plan = detect(open_folder(written(tmp_path, files), "site"))
    assert (plan.package_manager, plan.context) == ("npm", ".")


def test_a_folder_that_no_root_names_stands_by_itself(tmp_path: Path) -> None:
    files = {"package.json": root(), "yarn.lock": "", "examples/shop/package.json": SITE}
    assert detect(open_folder(written(tmp_path, files), "examples/shop")).context == "."
