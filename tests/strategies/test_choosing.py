"""Which strategy wins where several could, and what is said where none fits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dockerfile_templates import detect, templates
from domain import Kind, Plan
from robust_error_handler import Code, DeploymentFailed
from workspace import open_folder


def repository(folder: Path, files: Mapping[str, str | dict[str, Any]]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


def plan_of(folder: Path, files: Mapping[str, str | dict[str, Any]]) -> Plan:
    return detect(open_folder(repository(folder, files)))


def codes(plan: Plan) -> list[str]:
    return [warning.code for warning in plan.warnings]


def package(**fields: Any) -> dict[str, Any]:
    return {"name": "app", **fields}


FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
EXPRESS = "require('express')().listen(process.env.PORT || 3000)\n"
VITE_PAGE = '<script type="module" src="/src/main.tsx"></script>'


def test_compose_with_a_site_beats_a_dockerfile(tmp_path: Path) -> None:
    files = {"compose.yml": "services: {web: {build: ., ports: ['8080:80']}}", "Dockerfile": "FROM scratch"}
    assert plan_of(tmp_path, files).kind is Kind.COMPOSE


def test_compose_with_nothing_but_databases_is_passed_over_and_said(tmp_path: Path) -> None:
    files = {"compose.yml": "services: {db: {image: 'postgres:16', ports: ['5432:5432']}}", "main.py": FASTAPI}
    plan = plan_of(tmp_path, files)
    assert plan.kind is Kind.FASTAPI
    assert codes(plan) == ["compose-without-site"]


def test_a_broken_compose_file_is_a_warning_where_something_else_fits(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, {"compose.yml": "services: [", "index.html": "<h1>hi</h1>"})
    assert plan.kind is Kind.STATIC
    assert codes(plan) == ["compose-not-used"]


def test_a_broken_compose_file_is_the_failure_where_nothing_else_fits(tmp_path: Path) -> None:
    with pytest.raises(DeploymentFailed) as failure:
        plan_of(tmp_path, {"compose.yml": "services: ["})
    assert failure.value.code is Code.COMPOSE_INVALID


def test_a_dockerfile_for_development_is_only_a_candidate(tmp_path: Path) -> None:
    with pytest.raises(DeploymentFailed) as failure:
        plan_of(tmp_path, {"Dockerfile.dev": "FROM scratch", "notes.txt": "x"})
    assert "candidate: Dockerfile.dev" in failure.value.lines


def test_a_folder_called_dockerfile_is_no_dockerfile(tmp_path: Path) -> None:
    assert plan_of(tmp_path, {"Dockerfile/readme": "x", "index.html": "<p>"}).kind is Kind.STATIC


def test_a_react_project_with_an_index_page_is_built_and_not_served_raw(tmp_path: Path) -> None:
    files = {
        "package.json": package(
            scripts={"build": "vite build", "dev": "vite"}, devDependencies={"vite": "7", "react": "19"}
        ),
        "index.html": VITE_PAGE,
    }
    plan = plan_of(tmp_path, files)
    assert (plan.kind, plan.framework, plan.port) == (Kind.SPA, "vite-react", 8080)
    assert plan.build_args["BUTLER_SPA"] == "1"


def test_a_source_page_without_its_project_is_never_static(tmp_path: Path) -> None:
    with pytest.raises(DeploymentFailed):
        plan_of(tmp_path, {"index.html": VITE_PAGE})


def test_vite_beside_a_server_that_starts_is_a_server(tmp_path: Path) -> None:
    files = {
        "package.json": package(
            scripts={"build": "vite build", "start": "node server.js"}, dependencies={"vite": "7", "express": "5"}
        ),
        "server.js": EXPRESS,
    }
    assert plan_of(tmp_path, files).kind is Kind.NODE


def test_asset_tooling_does_not_make_a_django_site_a_node_project(tmp_path: Path) -> None:
    files = {
        "package.json": package(scripts={"build": "vite build", "dev": "vite"}, devDependencies={"vite": "7"}),
        "manage.py": 'import django\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site.settings")',
        "site/settings.py": 'WSGI_APPLICATION = "site.wsgi.application"',
        "requirements.txt": "django",
    }
    assert plan_of(tmp_path, files).kind is Kind.DJANGO


MANAGE = 'import django\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site.settings")'
DJANGO = {"manage.py": MANAGE, "site/settings.py": 'WSGI_APPLICATION = "site.wsgi.application"'}


def test_a_django_site_in_a_folder_is_installed_from_that_folders_own_requirements(tmp_path: Path) -> None:
    files = {f"shop/src/{path}": text for path, text in DJANGO.items()} | {"shop/requirements.txt": "django\nqrcode"}
    plan = plan_of(tmp_path, files)
    assert (plan.kind, plan.context, plan.install) == (Kind.DJANGO, "shop", "pip install -r requirements.txt")
    assert plan.start is not None and "--chdir src site.wsgi" in plan.start


def test_a_django_site_among_other_projects_is_a_candidate_and_not_chosen(tmp_path: Path) -> None:
    files = {f"django/app/{path}": text for path, text in DJANGO.items()}
    files |= {"flask/compose.yaml": "services: {web: {build: ., ports: ['80:80']}}", "react/package.json": "{}"}
    with pytest.raises(DeploymentFailed) as failure:
        plan_of(tmp_path, files)
    assert "candidate: django/ (django)" in failure.value.lines
    assert "candidate: flask/ (compose)" in failure.value.lines


def test_a_python_application_with_a_public_folder_is_not_static(tmp_path: Path) -> None:
    files = {"requirements.txt": "fastapi", "api/index.py": FASTAPI, "public/index.html": "<p>"}
    plan = plan_of(tmp_path, files)
    assert (plan.kind, plan.start) == (
        Kind.FASTAPI,
        "uvicorn api.index:app --host 0.0.0.0 --port $PORT --proxy-headers --forwarded-allow-ips='*'",
    )


def test_next_has_three_forms(tmp_path: Path) -> None:
    base = {
        "package.json": package(scripts={"build": "next build", "start": "next start"}, dependencies={"next": "15"})
    }
    forms = {}
    for name, config in {
        "plain": "{}",
        "standalone": "{ output: 'standalone' }",
        "export": '{\n  output: "export" }',
    }.items():
        files = {**base, "next.config.mjs": f"// output: 'export'\nexport default {config}"}
        plan = plan_of(tmp_path / name, files)
        forms[name] = (plan.strategy, plan.kind, plan.start, plan.build_args.get("RUN_FROM"))
    assert forms == {
        "plain": ("nextjs", Kind.NEXTJS, "next start -H 0.0.0.0 -p $PORT", "plain"),
        "standalone": ("nextjs", Kind.NEXTJS, "node server.js", "standalone"),
        "export": ("nextjs", Kind.SPA, "static server on out/", None),
    }


def test_fonts_from_google_are_warned_of(tmp_path: Path) -> None:
    files = {
        "package.json": package(scripts={"build": "next build"}, dependencies={"next": "15"}),
        "app/layout.tsx": 'import { Inter } from "next/font/google";',
    }
    assert "uses-next-font-google" in codes(plan_of(tmp_path, files))


def test_a_dev_server_as_start_is_replaced_by_the_production_script(tmp_path: Path) -> None:
    scripts = {"build": "nest build", "start": "nest start", "start:prod": "node dist/main"}
    plan = plan_of(tmp_path, {"package.json": package(scripts=scripts, dependencies={"@nestjs/core": "11"})})
    assert (plan.kind, plan.start, plan.port) == (Kind.NODE, "node dist/main", 3000)
    assert "start-is-a-dev-server" in codes(plan)


def test_a_watcher_is_taken_off_the_start_command(tmp_path: Path) -> None:
    files = {
        "package.json": package(scripts={"start": "nodemon server.js"}, dependencies={"express": "5"}),
        "server.js": EXPRESS,
    }
    assert plan_of(tmp_path, files).start == "node server.js"


def test_typescript_without_a_build_is_run_by_tsx(tmp_path: Path) -> None:
    files = {
        "package.json": package(dependencies={"express": "5"}),
        "src/index.ts": "import express from 'express'; express().listen(4321)",
    }
    plan = plan_of(tmp_path, files)
    assert (plan.start, plan.port, plan.build_args["GLOBAL_PACKAGES"]) == ("tsx src/index.ts", 4321, "tsx")


def test_fastify_without_a_host_is_warned_of(tmp_path: Path) -> None:
    files = {
        "package.json": package(scripts={"start": "node app.js"}, dependencies={"fastify": "5"}),
        "app.js": "require('fastify')().listen({ port: 3000 })",
    }
    assert "binds-loopback" in codes(plan_of(tmp_path, files))


def test_a_program_that_never_listens_is_judged_by_staying_up(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, {"package.json": package(main="job.js"), "job.js": "setInterval(work, 1000)"})
    assert (plan.kind, plan.port, plan.expects_http) == (Kind.NODE, None, False)


def test_a_procfile_beats_the_start_script(tmp_path: Path) -> None:
    files = {
        "Procfile": "web: node web.js",
        "package.json": package(scripts={"start": "node other.js"}, dependencies={"express": "5"}),
        "web.js": "require('express')().listen(process.env.PORT || 8080)",
    }
    plan = plan_of(tmp_path, files)
    assert (plan.start, plan.port) == ("node web.js", 8080)


def test_what_the_start_command_needs_stays_after_the_build(tmp_path: Path) -> None:
    scripts = {"start": "ts-node src/index.ts"}
    fields = {"dependencies": {"express": "5"}, "devDependencies": {"ts-node": "10", "jest": "29"}}
    files = {"package.json": package(scripts=scripts, **fields), "src/index.ts": "listen(1)", "package-lock.json": "{}"}
    assert plan_of(tmp_path, files).build_args["PRUNE"] == ""


def test_nothing_recognised_says_what_came_near_and_which_folders_would_do(tmp_path: Path) -> None:
    files = {
        "package.json": package(),
        "apps/web/package.json": package(scripts={"build": "next build"}, dependencies={"next": "15"}),
        "apps/api/main.py": FASTAPI,
        "apps/api/requirements.txt": "fastapi",
    }
    with pytest.raises(DeploymentFailed) as failure:
        plan_of(tmp_path, files)
    assert failure.value.code is Code.NOTHING_RECOGNISED
    assert "package.json names no start command" in failure.value.message
    assert "apps/api/ (fastapi), apps/web/ (nextjs)" in failure.value.hint
    assert "candidate: apps/web/ (nextjs)" in failure.value.lines


def test_candidates_are_named_from_the_repositorys_top_as_a_person_must_give_them(tmp_path: Path) -> None:
    repository(tmp_path, {"shop/web/index.html": "<p>", "shop/web/Dockerfile.dev": "FROM scratch", "shop/notes": "x"})
    with pytest.raises(DeploymentFailed) as failure:
        detect(open_folder(tmp_path, "shop"))
    assert failure.value.hint == "Deploy one of them by giving the subdirectory: shop/web/ (static)."
    assert failure.value.lines == ("candidate: shop/web/ (static)", "found: notes, web/")


def test_a_dockerfile_of_another_name_is_pointed_at_where_nothing_else_fits(tmp_path: Path) -> None:
    with pytest.raises(DeploymentFailed) as failure:
        plan_of(tmp_path, {"Dockerfile.static": "FROM scratch", "notes.txt": "x"})
    assert "(there is Dockerfile.static)" in failure.value.hint


def test_an_empty_repository_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(DeploymentFailed, match="empty"):
        detect(open_folder(tmp_path))


def test_a_dependency_without_an_application_object_is_not_flask(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, {"requirements.txt": "flask", "main.py": "print('hello')"})
    assert (plan.kind, plan.start, plan.expects_http) == (Kind.PYTHON, "python main.py", False)


def test_streamlit_and_gradio_are_started_their_own_way(tmp_path: Path) -> None:
    streamlit = plan_of(
        tmp_path / "s", {"app.py": "import streamlit as st\nst.title('x')", "requirements.txt": "streamlit"}
    )
    gradio = plan_of(tmp_path / "g", {"run.py": "import gradio as gr\ngr.Interface().launch()"})
    assert (streamlit.framework, streamlit.port) == ("streamlit", 8501)
    assert streamlit.start == "streamlit run app.py --server.address 0.0.0.0 --server.port $PORT --server.headless true"
    assert (gradio.framework, gradio.port, gradio.start) == ("gradio", 7860, "python run.py")
    assert gradio.build_args["EXTRA_PACKAGES"] == "gradio"


def test_a_package_json_that_does_nothing_does_not_hide_a_static_site(tmp_path: Path) -> None:
    files = {"index.html": "<h1>hi</h1>", "package.json": package(devDependencies={"prettier": "3"})}
    plan = plan_of(tmp_path, files)
    assert plan.kind is Kind.STATIC
    assert codes(plan) == ["package-json-unused"]


def test_vite_with_nitro_is_a_server_and_not_files(tmp_path: Path) -> None:
    files = {
        "package.json": package(scripts={"build": "vite build"}, devDependencies={"vite": "7", "nitro": "3"}),
        "index.html": "<script type=module src=/app/main.tsx></script>",
    }
    plan = plan_of(tmp_path, files)
    assert (plan.kind, plan.start, plan.port) == (Kind.NODE, "node .output/server/index.mjs", 3000)


def test_pages_that_the_repository_keeps_built_are_served_though_no_bundler_is_known(tmp_path: Path) -> None:
    files = {
        "package.json": package(scripts={"build": "node scripts/build.js", "start": "node scripts/start.js"}),
        "scripts/start.js": "spawn('browser-sync', ['dist'])",
        "dist/index.html": "<h1>hi</h1>",
    }
    plan = plan_of(tmp_path, files)
    assert (plan.kind, plan.build_args["OUTPUT"]) == (Kind.SPA, "dist")


def test_a_version_that_is_not_to_be_had_is_said_also_where_nothing_can_be_started(tmp_path: Path) -> None:
    with pytest.raises(DeploymentFailed) as failure:
        plan_of(tmp_path, {"package.json": package(engines={"node": "0.10.x"})})
    assert any(line.startswith("warning: ") and "0.10.x" in line for line in failure.value.lines)


@pytest.mark.parametrize(
    ("version", "config", "program"),
    [
        ("latest", "plugins: [tanstackStart()]", "srvx"),
        ("^1.140.0", "plugins: [tanstackStart()]", "srvx"),
        ("^1.140.0", "plugins: [tanstackStart(), nitro()]", "node"),
        ("^1.121.7", "plugins: [tanstackStart()]", "node"),
    ],
)
def test_tanstack_start_is_served_by_what_its_release_builds(
    tmp_path: Path, version: str, config: str, program: str
) -> None:
    manifest = package(scripts={"build": "vite build"}, dependencies={"@tanstack/react-start": version})
    plan = plan_of(tmp_path, {"package.json": manifest, "vite.config.ts": config})
    assert ((plan.start or "").split()[0], plan.port) == (program, 3000)
    assert ("srvx" in plan.build_args["GLOBAL_PACKAGES"]) == (program == "srvx")


def test_a_test_tools_own_browser_is_not_fetched_into_an_image(tmp_path: Path) -> None:
    lines = (templates.FOLDER / "assets" / "node-install.sh").read_text(encoding="utf-8").splitlines()
    installs = next(number for number, line in enumerate(lines) if 'sh -c "$INSTALL"' in line)
    assert "export CYPRESS_INSTALL_BINARY=0" in lines[:installs]
