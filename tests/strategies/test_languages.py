"""Which language a repository of several is in, and how each is started."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dockerfile_templates import detect, survey
from domain import Kind, Plan
from robust_error_handler import Code, DeploymentFailed
from workspace import open_folder

Files = Mapping[str, str | dict[str, Any]]
ASSETS = {
    "scripts": {"build": "vite build", "dev": "vite"},
    "devDependencies": {"vite": "5", "laravel-vite-plugin": "1"},
}
LARAVEL = {
    "composer.json": {"require": {"php": "^8.2", "laravel/framework": "^11"}},
    "public/index.php": "<?php",
    "artisan": "",
}


def plan_of(folder: Path, files: Files) -> Plan:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return detect(open_folder(folder))


def codes(plan: Plan) -> list[str]:
    return [warning.code for warning in plan.warnings]


def test_laravel_with_its_asset_tooling_is_php_and_builds_its_assets(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, {**LARAVEL, "package.json": ASSETS})
    assert (plan.kind, plan.framework, plan.build) == (Kind.PHP, "laravel", "npm install && npm run build")
    assert plan.build_args["DOCUMENT_ROOT"] == "/app/public"


def test_laravel_with_sails_compose_file_is_php_because_sail_is_not_in_the_repository(tmp_path: Path) -> None:
    sail = "services: {app: {build: {context: ./vendor/laravel/sail/runtimes/8.3}, ports: ['80:80']}}"
    plan = plan_of(tmp_path, {**LARAVEL, "docker-compose.yml": sail})
    assert plan.kind is Kind.PHP
    assert codes(plan) == ["compose-not-used"]


def test_rails_with_package_json_is_ruby(tmp_path: Path) -> None:
    files = {"Gemfile": "gem 'rails'\ngem 'pg'\ngem 'propshaft'", "config/application.rb": "", "package.json": ASSETS}
    plan = plan_of(tmp_path, files)
    assert (plan.kind, plan.port, plan.build) == (Kind.RUBY, 3000, "bundle exec rails assets:precompile")
    assert plan.start == "bundle exec rails db:prepare && bundle exec rails server -b 0.0.0.0 -p $PORT"
    assert "libpq-dev" in plan.build_args["BUILD_PACKAGES"] and plan.build_args["RUN_PACKAGES"] == "libpq5"


def test_a_node_server_beside_a_gemfile_for_tools_is_node(tmp_path: Path) -> None:
    files = {"Gemfile": "gem 'fastlane'", "package.json": {"scripts": {"start": "node a.js"}}, "a.js": "x.listen(80)"}
    assert plan_of(tmp_path, files).kind is Kind.NODE


@pytest.mark.parametrize(
    ("web", "kind"),
    [("gunicorn app:app", Kind.FLASK), ("bundle exec ruby app.rb", Kind.RUBY), ("node web.js", Kind.NODE)],
)
def test_in_a_repository_of_several_languages_the_procfile_decides(tmp_path: Path, web: str, kind: Kind) -> None:
    files: Files = {
        "Procfile": f"web: {web}",
        "app.py": "from flask import Flask\napp = Flask(__name__)",
        "requirements.txt": "flask",
        "app.rb": "require 'sinatra'",
        "Gemfile": "gem 'sinatra'",
        "package.json": {},
        "web.js": "require('http').createServer().listen(process.env.PORT)",
    }
    assert plan_of(tmp_path, files).kind is kind


def test_the_go_program_that_sounds_like_a_server_is_built(tmp_path: Path) -> None:
    main = 'package main\nfunc main() { http.ListenAndServe(":7000", nil) }'
    files = {
        "go.mod": "module example.org/a\ngo 1.22",
        "cmd/tool/main.go": main,
        "cmd/server/main.go": main,
        "go.sum": "",
    }
    plan = plan_of(tmp_path, files)
    assert (plan.start, plan.port, plan.candidates) == ("server", 7000, ("cmd/tool",))
    assert plan.build == "go build -o /out/server ./cmd/server"
    assert plan.build_args["INSTALL"] == "go mod download"


def test_a_go_library_is_nothing_to_deploy(tmp_path: Path) -> None:
    with pytest.raises(DeploymentFailed) as failure:
        plan_of(tmp_path, {"go.mod": "module a", "a.go": "package a"})
    assert failure.value.code is Code.NOTHING_RECOGNISED
    assert "looked at: go.mod (package_manager go)" in failure.value.lines


def test_a_spring_application_listens_where_its_settings_say(tmp_path: Path) -> None:
    files = {
        "build.gradle": "plugins { id 'org.springframework.boot' }\ndependencies { spring-boot-starter-web }",
        "src/main/java/A.java": "class A {}",
        "src/main/resources/application.yml": "spring:\n  a: b\nserver:\n  port: ${PORT:3030}\n",
    }
    plan = plan_of(tmp_path, files)
    assert (plan.framework, plan.port) == ("spring-boot", 3030)
    assert plan.start == "java -Dserver.port=$PORT $JAVA_OPTS -jar app.jar"


def test_a_procfile_that_names_a_jar_by_a_pattern_keeps_the_folder_it_is_in(tmp_path: Path) -> None:
    files = {"pom.xml": "", "src/main/java/A.java": "new ServerSocket(1)", "Procfile": "web: java -jar target/a-*.jar"}
    plan = plan_of(tmp_path, files)
    assert (plan.start, plan.build_args["KEEP"]) == ("java -jar target/a-*.jar", "tree")


def test_heroku_s_way_of_starting_php_is_apache_on_its_folder(tmp_path: Path) -> None:
    files = {"composer.json": {}, "web/index.php": "<?php", "Procfile": "web: heroku-php-apache2 web/"}
    plan = plan_of(tmp_path, files)
    assert (plan.start, plan.build_args["DOCUMENT_ROOT"]) == ("apache2-foreground", "/app/web")


def test_bun_as_the_runtime_and_bun_as_the_installer_are_two_things(tmp_path: Path) -> None:
    runtime = {
        "bun.lock": "",
        "index.ts": "Bun.serve({ port: 5005 })",
        "package.json": {"scripts": {"start": "bun index.ts"}},
    }
    installer = {"bun.lock": "", "package.json": {"scripts": {"build": "next build"}, "dependencies": {"next": "15"}}}
    assert (plan_of(tmp_path / "a", runtime).kind, plan_of(tmp_path / "a", runtime).port) == (Kind.BUN, 5005)
    plan = plan_of(tmp_path / "b", installer)
    assert (plan.kind, plan.package_manager) == (Kind.NEXTJS, "bun")


def test_sveltekit_with_the_automatic_adapter_gets_the_one_for_node(tmp_path: Path) -> None:
    tools = {"@sveltejs/kit": "2", "@sveltejs/adapter-auto": "4", "vite": "6"}
    plan = plan_of(
        tmp_path, {"package.json": {"scripts": {"build": "vite build", "dev": "vite"}, "devDependencies": tools}}
    )
    assert (plan.kind, plan.start, plan.build) == (Kind.NODE, "node build", "GCP_BUILDPACKS=true npm run build")


def test_what_builds_for_another_host_is_shown_by_its_preview_and_said(tmp_path: Path) -> None:
    tools = {"@builder.io/qwik": "1", "@builder.io/qwik-city": "1", "vite": "5"}
    scripts = {"build": "qwik build", "start": "vite --open --mode ssr"}
    plan = plan_of(tmp_path, {"package.json": {"scripts": scripts, "devDependencies": tools}})
    assert (plan.start, plan.port) == ("vite preview --host 0.0.0.0 --port $PORT", 3000)
    assert "no-server-adapter" in codes(plan)


def test_an_application_that_is_only_exported_is_served_by_the_launcher(tmp_path: Path) -> None:
    files = {
        "package.json": {"dependencies": {"hono": "4"}},
        "src/index.ts": "import {Hono} from 'hono'\nexport default app",
    }
    plan = plan_of(tmp_path, files)
    assert (plan.start, plan.port) == ("tsx /butler/serve-default.mjs src/index.ts", 3000)


def test_a_start_that_only_calls_a_dev_script_is_a_dev_server(tmp_path: Path) -> None:
    scripts = {"start": "npm run dev", "dev": "umi dev", "build": "umi build"}
    plan = plan_of(tmp_path, {"package.json": {"scripts": scripts, "dependencies": {"umi": "4"}}})
    assert (plan.kind, plan.framework) == (Kind.SPA, "umi")


def test_angular_s_own_configuration_says_where_it_builds_to(tmp_path: Path) -> None:
    build = {"builder": "@angular/build:application", "options": {"outputPath": "dist/shop"}}
    files = {
        "package.json": {
            "scripts": {"start": "ng serve", "build": "ng build"},
            "dependencies": {"@angular/core": "19"},
        },
        "angular.json": {"projects": {"shop": {"architect": {"build": build}}}},
    }
    assert plan_of(tmp_path, files).build_args["OUTPUT"] == "dist/shop/browser"


def test_of_several_packages_the_one_called_web_is_deployed_and_the_others_are_named(tmp_path: Path) -> None:
    next_app = {"scripts": {"build": "next build", "start": "next start"}, "dependencies": {"next": "15", "@a/ui": "*"}}
    files = {
        "package.json": {"workspaces": ["apps/*", "packages/*"], "packageManager": "pnpm@9.5.0"},
        "pnpm-lock.yaml": "lockfileVersion: '9.0'",
        "apps/web/package.json": {"name": "web", **next_app},
        "apps/docs/package.json": {"name": "docs", **next_app},
        "packages/ui/package.json": {"name": "@a/ui"},
    }
    plan = plan_of(tmp_path, files)
    assert (plan.kind, plan.framework, plan.port, plan.candidates) == (Kind.MONOREPO, "nextjs", 3000, ("apps/docs/",))
    assert plan.build == "pnpm --filter web... run build"
    assert plan.start == "cd apps/web && PATH=$PWD/node_modules/.bin:$PATH next start -H 0.0.0.0 -p $PORT"
    assert plan.build_args["INSTALL_FROM"] == "workspaces" and "several-applications" in codes(plan)


def test_of_several_packages_without_a_telling_name_a_person_must_choose(tmp_path: Path) -> None:
    server = {"scripts": {"start": "node a.js"}}
    listens = "require('http').createServer().listen(1234)"
    files = {
        "package.json": {"workspaces": ["apps/*"]},
        "apps/red/package.json": server,
        "apps/red/a.js": listens,
        "apps/blue/package.json": server,
        "apps/blue/a.js": listens,
    }
    with pytest.raises(DeploymentFailed) as failure:
        plan_of(tmp_path, files)
    assert [line for line in failure.value.lines if "candidate" in line] == [
        "candidate: apps/blue/ (node)",
        "candidate: apps/red/ (node)",
    ]


def test_python_packages_without_a_program_are_installed_and_nothing_is_made_up(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, {"requirements.txt": "requests"})
    assert (plan.kind, plan.start, plan.expects_http) == (Kind.PYTHON, None, False)
    assert codes(plan)[0] == "nothing-to-start"
    assert "exit 1" in plan.build_args["BUTLER_START"]


def test_a_web_framework_without_an_application_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DeploymentFailed, match="no program or application object"):
        plan_of(tmp_path, {"requirements.txt": "Django"})


def test_a_dockerfile_s_manifests_tell_language_and_package_manager(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, {"Dockerfile": "FROM nginx", "package.json": {"engines": {"node": "20"}}, "yarn.lock": ""})
    assert (plan.kind, plan.language, plan.package_manager, plan.version) == (Kind.DOCKERFILE, "node", "yarn", "20")
    assert plan.port == 80


def test_a_compose_file_that_somebody_chose_is_taken_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text("services: {web: {image: nginx, ports: ['8080:80']}}")
    (tmp_path / "typo.yaml").write_text("ervices: {web: {image: nginx}}")
    plan = detect(open_folder(tmp_path), "stack.yaml")
    assert (plan.kind, plan.compose_file, plan.port) == (Kind.COMPOSE, "stack.yaml", 80)
    with pytest.raises(DeploymentFailed, match="no `services`"):
        detect(open_folder(tmp_path), "typo.yaml")


def test_a_survey_states_only_what_files_say(tmp_path: Path) -> None:
    (tmp_path / "Gemfile").write_text("gem 'rake'")
    assert {entry.field: entry.value for entry in survey(open_folder(tmp_path))} == {
        "language": "ruby",
        "package_manager": "bundler",
    }


def test_a_staticfile_names_the_folder_and_the_fallback(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path, {"Staticfile": "root: out\nindex_fallback: true\n", "out/index.html": "<p>", "docs/index.html": ""}
    )
    assert (plan.build_args["SITE"], plan.build_args["BUTLER_SPA"]) == ("out", "1")


def test_hugo_and_jekyll_are_built_and_not_served_raw(tmp_path: Path) -> None:
    hugo = plan_of(tmp_path / "h", {"config.toml": 'baseURL = "/"', "content/a.md": "", "layouts/index.html": "<p>"})
    jekyll = plan_of(tmp_path / "j", {"_config.yml": "title: a", "Gemfile": "gem 'jekyll'", "index.html": "---\n---\n"})
    assert (hugo.kind, hugo.framework, jekyll.kind, jekyll.framework) == (Kind.STATIC, "hugo", Kind.STATIC, "jekyll")


@pytest.mark.parametrize(
    ("files", "start", "port"),
    [
        ({"go.mod": "module a.b/shop\ngo 1.22", "Procfile": "web: ./web -v"}, "web -v", None),
        ({"go.mod": "module a.b/shop\ngo 1.22", "Procfile": "web: go run main.go"}, "shop", None),
        ({"go.mod": "module a.b/shop\ngo 1.22", "Procfile": "web: bin/shop --addr :$PORT"}, "shop --addr :$PORT", 8080),
        ({"go.mod": "module a.b/shop\ngo 1.22", "Procfile": "web: A=1 bin/shop"}, "A=1 shop", None),
        ({"go.mod": "module a.b/shop\ngo 1.22", "Procfile": "web: sh run.sh"}, "sh run.sh", None),
    ],
)
def test_a_procfile_that_names_a_go_program_where_another_host_puts_it_starts_ours(
    tmp_path: Path, files: Files, start: str, port: int | None
) -> None:
    plan = plan_of(tmp_path, {**files, "main.go": "package main\nfunc main() {}\n"})
    assert (plan.start, plan.port) == (start, port)
    assert f"-o /out/{'web' if 'web' in start else 'shop'} " in (plan.build or "")


@pytest.mark.parametrize("command", ["cargo run --release", "./target/release/shop", "shop"])
def test_a_procfile_that_builds_or_names_a_rust_program_starts_the_one_in_the_image(
    tmp_path: Path, command: str
) -> None:
    source = 'fn main() { let port = std::env::var("PORT").unwrap(); }'
    files = {"Cargo.toml": '[package]\nname = "shop"', "src/main.rs": source, "Procfile": f"web: {command}"}
    plan = plan_of(tmp_path, files)
    assert (plan.start, plan.port) == ("shop", 8080)


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"pom.xml": "<p/>", "src/main/java/A.java": 'int p = parse(System.getenv("PORT"));'}, Kind.JAVA),
        (
            {"a.csproj": "<OutputType>Exe</OutputType>", "A.cs": 'Environment.GetEnvironmentVariable("PORT")'},
            Kind.DOTNET,
        ),
    ],
)
def test_a_program_of_no_known_framework_that_reads_port_is_a_site(tmp_path: Path, files: Files, kind: Kind) -> None:
    plan = plan_of(tmp_path, files)
    assert (plan.kind, plan.port, plan.expects_http) == (kind, 8080, True)


@pytest.mark.parametrize(
    ("line", "port"),
    [
        ('viper.SetDefault("port", 8081)', 8081),
        ('cmd.Flags().Int("port", 5230, "port of server")', 5230),
        ("c := &Configuration{Server: Server{\n\tPort: 80,\n}}", 80),
        ('remote = "127.0.0.1:65535"', 8080),
    ],
)
def test_the_port_of_a_go_program_is_found_in_its_flags_and_settings(tmp_path: Path, line: str, port: int) -> None:
    files = {"go.mod": "module a", "main.go": "package main\nfunc main() { http.ListenAndServe(addr, nil) }\n"}
    assert plan_of(tmp_path, {**files, "internal/config/config.go": f"package config\n{line}\n"}).port == port


def test_a_library_is_no_application_and_its_manual_no_site(tmp_path: Path) -> None:
    project = """[project]\nname = "lib"\nclassifiers = ["Topic :: Software Development :: Libraries"]
[project.scripts]\nlib = "lib:main"\n[build-system]\nrequires = ["flit_core"]"""
    files = {
        "pyproject.toml": project,
        "src/lib/__init__.py": "",
        "src/lib/__main__.py": "main()",
        "docs/conf.py": "project = 'lib'",
        "docs/index.rst": "lib",
    }
    with pytest.raises(DeploymentFailed) as failure:
        plan_of(tmp_path, files)
    assert failure.value.code is Code.NOTHING_RECOGNISED


def test_fasthtml_has_a_port_of_its_own(tmp_path: Path) -> None:
    files = {"requirements.txt": "python-fasthtml", "main.py": "from fasthtml.common import *\napp, rt = fast_app()"}
    plan = plan_of(tmp_path, files)
    assert (plan.framework, plan.port) == ("fasthtml", 5001)


@pytest.mark.parametrize(
    ("manifest", "image"),
    [
        ({"require": {"php": "^8.2", "ext-intl": "*"}}, "php:8.3-apache"),
        ({"require": {"php": "^8.2", "monolog/monolog": "^3"}}, "composer:2"),
        ({"autoload": {"psr-4": {"App\\": "src/"}}}, "composer:2"),
    ],
)
def test_composer_is_fetched_only_where_it_has_something_to_install(
    tmp_path: Path, manifest: dict[str, Any], image: str
) -> None:
    plan = plan_of(tmp_path, {"composer.json": manifest, "index.php": "<?php"})
    assert (plan.package_manager, plan.build_args["COMPOSER_IMAGE"]) == ("composer", image)
    assert bool(plan.install) == (image == "composer:2")
