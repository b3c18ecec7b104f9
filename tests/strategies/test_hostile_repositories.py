"""Whatever a repository holds, planning ends in a plan or in a clear error, soon, and reads nothing outside."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

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
    web/package.json web/index.html api/main.py""".split()
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
        began = time.monotonic()
        try:
            plan = plan_as_dict(detect(open_folder(Path(name))))
            json.dumps(plan)
            assert plan["strategy"] and plan["evidence"]
        except DeploymentFailed as failure:
            assert failure.message and failure.hint
        assert time.monotonic() - began < 5


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
    began = time.monotonic()
    assert detect(open_folder(tmp_path)).strategy == "node"
    assert time.monotonic() - began < 3
