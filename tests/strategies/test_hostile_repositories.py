"""Whatever a repository holds, planning ends in a plan or in a clear error, soon, and reads nothing outside."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockerfile_templates import detect, plan_as_dict
from robust_error_handler import DeploymentFailed
from workspace import open_folder

NAMES = st.sampled_from(
    """package.json package-lock.json yarn.lock pnpm-lock.yaml pnpm-workspace.yaml .nvmrc tsconfig.json Procfile
    requirements.txt pyproject.toml Pipfile Pipfile.lock poetry.lock uv.lock setup.py .python-version runtime.txt
    .tool-versions mise.toml .flaskenv manage.py main.py app.py site/settings.py site/wsgi.py Dockerfile
    Dockerfile.dev compose.yml index.html public/index.html next.config.js server.js src/index.ts src/app.py
    web/package.json web/index.html api/main.py go.mod main.go cmd/a/main.go go.work Cargo.toml src/main.rs
    rust-toolchain.toml pom.xml build.gradle gradlew src/main/java/A.java src/main/resources/application.yml
    composer.json index.php public/index.php Gemfile config.ru app.rb config/application.rb .ruby-version deno.json
    main.ts bun.lock index.ts a.csproj global.json mix.exs lib/a.ex nx.json apps/web/package.json apps/web/project.json
    turbo.json angular.json mkdocs.yml docs/index.md _config.yml index.md config.toml conf.py start.sh Staticfile
    project.toml Makefile""".split()
)
WORDS = st.sampled_from(
    [
        "",
        "next",
        "vite",
        "express",
        "django",
        "flask",
        "fastapi",
        "node server.js",
        "vite build",
        "3.12",
        ">=18 <",
        "^",
        "\0",
        "lts/*",
        "a" * 3000,
        "'",
        '"',
        "\\",
        "$(id)",
        "`x`",
        "pnpm@9.1.0",
        "../../../etc/passwd",
        "99999999999999",
        "-1",
        "ü\ud83d"[:1],
        "\n\n",
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
MANIFESTS = st.dictionaries(
    st.sampled_from(
        "scripts dependencies devDependencies engines main workspaces packageManager volta services project tool packages".split()
    ),
    VALUES
    | st.dictionaries(st.sampled_from("start build node next vite express web postinstall poetry".split()), VALUES),
)
LINES = st.lists(
    st.sampled_from(
        [
            "app = FastAPI()",
            "app = Flask(__name__)",
            "def create_app(): return Flask()",
            "import streamlit",
            "(" * 300,
            "web: node x.js",
            "FROM x",
            "EXPOSE $PORT",
            "services:",
            "  web: {image: x, ports: ['80:80']}",
            "a: &a [*a]",
            "WSGI_APPLICATION = 'x.y.z'",
            "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')",
            "django",
            "flask==",
            "-r requirements.txt",
            "-e .",
            "git+https://x",
            "listen(99999)",
            "lockfileVersion: 9",
            "[project]",
            "dependencies = ['x']",
            "<script src='/src/main.tsx'></script>",
            "__metadata:",
            "port=0",
            "package main",
            'func main() { http.ListenAndServe(":70000", nil) }',
            "module x/y/$(id)",
            "go 1.999999999",
            "toolchain go99",
            "rocket = '0'",
            "TcpListener::bind",
            "<java.version>99999999999</java.version>",
            "server:\n" + "  \n" * 50 + "  port: x",
            "ruby '~> 99.99'",
            "gem 'rails'",
            "set :port, 4567",
            "Deno.serve()",
            "Bun.serve({port: 0})",
            "export default app",
            "<Project Sdk='Microsoft.NET.Sdk.Web'><TargetFramework>net0.0</TargetFramework></Project>",
            "{:phoenix, x}",
            'elixir: "~> ~> 1"',
            "root: ../../etc",
            "name = 'GOOGLE_FUNCTION_TARGET'\nvalue = 'x;id'",
            "web: heroku-php-apache2 ../..",
            "web: bundle exec puma",
            "\n" * 400,
            " " * 400,
            "\ufeff",
            "x" * 5000,
        ]
    ),
    max_size=12,
).map("\n".join)
CONTENTS = (
    MANIFESTS.map(json.dumps).map(str.encode)
    | LINES.map(str.encode)
    | st.binary(max_size=200)
    | VALUES.map(json.dumps).map(str.encode)
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(NAMES, CONTENTS, max_size=8))
def test_any_tree_of_files_gets_a_plan_or_a_clear_error(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        for path, content in files.items():
            place = Path(name) / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        began = time.process_time()
        try:
            plan = plan_as_dict(detect(open_folder(Path(name))))
            json.dumps(plan)
            assert plan["strategy"] and plan["evidence"]
        except DeploymentFailed as failure:
            assert failure.message and failure.hint
        assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "name",
    """package.json requirements.txt go.mod main.go Cargo.toml src/main.rs pom.xml application.yml Gemfile app.rb deno.json main.ts
    index.php mix.exs a.csproj Procfile project.toml next.config.js angular.json config.toml Dockerfile .flaskenv settings.py""".split(),
)
@pytest.mark.parametrize(
    "filler", ["\n", " ", "a ", "(", "port", '"', "^\t", "server:\n", "server:\n" + "    a\n" * 30, "{ "]
)
def test_a_file_of_one_thing_over_and_over_takes_no_long_time(tmp_path: Path, name: str, filler: str) -> None:
    repository(tmp_path, name, filler)
    began = time.process_time()
    with contextlib.suppress(DeploymentFailed):
        detect(open_folder(tmp_path))
    assert time.process_time() - began < 5


def repository(folder: Path, name: str, filler: str) -> None:
    """One file of a million characters, beside what makes the strategies look at it."""
    beside = {
        "app.rb": {"Gemfile": "gem 'sinatra'"},
        "application.yml": {
            "pom.xml": "spring-boot",
            "src/main/resources/application.yml": filler * (1_000_000 // len(filler)),
        },
        "main.go": {"go.mod": "module a"},
        "src/main.rs": {"Cargo.toml": "[package]\nname = 'a'"},
        "project.toml": {"index.js": "exports.a = 1", "package.json": '{"dependencies": {"express": "5"}}'},
        "next.config.js": {"package.json": '{"dependencies": {"next": "15"}, "scripts": {"build": "next build"}}'},
        "angular.json": {"package.json": '{"dependencies": {"@angular/core": "19"}, "scripts": {"build": "ng build"}}'},
        "config.toml": {"content/a.md": "a", "layouts/a.html": "a"},
        ".flaskenv": {"app.py": "from flask import Flask\napp = Flask(__name__)"},
        "settings.py": {"manage.py": "django DJANGO_SETTINGS_MODULE', 'settings'", "requirements.txt": "django"},
    }
    files = {name: filler * (1_000_000 // len(filler)), **beside.get(name, {})}
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)


def test_links_out_of_the_tree_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"scripts": {"start": "node stolen.js"}}')
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "package.json").symlink_to(tmp_path / "secret.json")
    (repository / "index.html").write_text("<h1>hi</h1>")
    assert detect(open_folder(repository)).strategy == "static"


def test_a_huge_manifest_takes_no_long_time(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"dependencies": {f"p{n}": "^1.0.0" for n in range(200_000)}}))
    (tmp_path / "index.js").write_text("require('http').createServer().listen(3000)\n" + "x(" * 400_000)
    began = time.process_time()
    assert detect(open_folder(tmp_path)).strategy == "node"
    assert time.process_time() - began < 3
