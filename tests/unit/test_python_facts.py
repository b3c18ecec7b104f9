"""What a Python repository says: versions, installers, dependencies, application objects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from workspace import Workspace, open_folder, python_apps, python_facts


def folder(path: Path, files: Mapping[str, str | bytes]) -> Workspace:
    for name, content in files.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_folder(path)


@pytest.mark.parametrize(
    ("file", "text", "version"),
    [
        ("runtime.txt", "python-3.11.9\n", "3.11"),
        (".python-version", "3.13\n", "3.13"),
        (".python-version", "# a comment\n3.12.4\n", "3.12"),
        (".python-version", "\ufeff3.10", "3.10"),
        (".python-version", ">= 3.10", "3.12"),
        ("Pipfile", '[requires]\npython_version = "3.10"', "3.10"),
        ("pyproject.toml", '[project]\nrequires-python = ">=3.13"', "3.13"),
        ("pyproject.toml", '[project]\nrequires-python = "==3.11.*"', "3.11"),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.10"', "3.12"),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "~3.10"', "3.10"),
        ("pyproject.toml", '[project]\nrequires-python = ">=3.9,<3.11"', "3.10"),
        (".tool-versions", "python 3.12.3\npoetry 1.8.2", "3.12"),
    ],
)
def test_the_python_version_is_read_from_where_it_stands(tmp_path: Path, file: str, text: str, version: str) -> None:
    found, warnings = python_facts.version(folder(tmp_path, {file: text}))
    assert found.value == version
    assert not warnings


def test_a_version_file_of_two_minds_is_said(tmp_path: Path) -> None:
    found, warnings = python_facts.version(folder(tmp_path, {".python-version": "3.12.4\n3.11\n"}))
    assert (found.value, [warning.code for warning in warnings]) == ("3.12", ["several-versions"])


def test_a_version_file_whose_name_ends_in_a_blank_is_read_and_said(tmp_path: Path) -> None:
    found, warnings = python_facts.version(folder(tmp_path, {".python-version ": "3.11"}))
    assert (found.value, [warning.code for warning in warnings]) == ("3.11", ["misspelt-file"])


def test_where_two_files_contradict_each_other_the_installers_one_is_used_and_both_are_quoted(tmp_path: Path) -> None:
    files = {"pyproject.toml": '[project]\nrequires-python = "==3.12.*"', ".python-version": "3.13"}
    found, warnings = python_facts.version(folder(tmp_path, files))
    assert found.source == "requires-python in pyproject.toml (==3.12.*)"
    assert [warning.code for warning in warnings] == ["version-conflict"]
    assert "'3.13'" in warnings[0].message and "'==3.12.*'" in warnings[0].message


@pytest.mark.parametrize(("asked", "used"), [("2.7", "3.12"), ("3.6.15", "3.9"), ("3.99", "3.14"), ("pypy3", "3.12")])
def test_a_version_that_is_not_to_be_had_is_replaced_and_said(tmp_path: Path, asked: str, used: str) -> None:
    found, warnings = python_facts.version(folder(tmp_path, {".python-version": asked}))
    assert found.value == used
    assert [warning.code for warning in warnings] == ["version-unavailable"]


def test_runtime_txt_beats_python_version_and_that_beats_the_project(tmp_path: Path) -> None:
    files = {"pyproject.toml": '[project]\nrequires-python = ">=3.11"', ".python-version": "3.13"}
    assert python_facts.version(folder(tmp_path, files))[0].source == ".python-version (3.13)"
    assert python_facts.version(folder(tmp_path, {"runtime.txt": "python-3.13"}))[0].value == "3.13"


@pytest.mark.parametrize(
    ("files", "name", "install"),
    [
        ({"requirements.txt": "x"}, "pip", "pip install -r requirements.txt"),
        ({"requirements/base.txt": "x"}, "pip", "pip install -r requirements/base.txt"),
        ({"uv.lock": "", "pyproject.toml": ""}, "uv", "uv sync --locked --no-dev --no-install-project"),
        ({"Pipfile": "", "Pipfile.lock": "{}"}, "pipenv", "pipenv install --deploy"),
        ({"Pipfile": ""}, "pipenv", "pipenv install --skip-lock"),
        ({"pdm.lock": "", "pyproject.toml": ""}, "pdm", "pdm sync --prod --no-self"),
        ({"pyproject.toml": '[project]\nname = "x"\ndependencies = []'}, "pip", "uv pip install -r pyproject.toml"),
        ({"setup.py": ""}, "pip", "pip install ."),
    ],
)
def test_the_installer_follows_from_the_files(tmp_path: Path, files: dict[str, str], name: str, install: str) -> None:
    found = python_facts.installer(folder(tmp_path, files))
    assert (found.name, found.install) == (name, install)


def test_of_several_declarations_the_tool_that_pyproject_names_wins(tmp_path: Path) -> None:
    files = {"requirements.txt": "x", "poetry.lock": "", "uv.lock": "", "pyproject.toml": "[tool.poetry]\nname = 'x'"}
    found = python_facts.installer(folder(tmp_path, files))
    assert (found.name, [warning.code for warning in found.warnings]) == ("poetry", ["several-lockfiles"])


def test_of_several_declarations_without_a_word_requirements_win(tmp_path: Path) -> None:
    found = python_facts.installer(folder(tmp_path, {"requirements.txt": "x", "uv.lock": "", "pyproject.toml": ""}))
    assert (found.name, [warning.code for warning in found.warnings]) == ("pip", ["several-lockfiles"])


@pytest.mark.parametrize(
    "line", ["-e .", "./packages/mine", "--editable ./x", "file:mine", "-r backend/requirements.txt"]
)
def test_local_requirements_need_the_source_first(tmp_path: Path, line: str) -> None:
    assert python_facts.installer(folder(tmp_path, {"requirements.txt": f"flask\n{line}\n"})).needs_source


def test_dependencies_are_read_through_other_files_encodings_and_odd_lines(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "requirements.txt": "Flask_Login==1.0 # login\n-r more.txt\n--index-url https://x\ngit+https://h/x.git\n".encode(
            "utf-16"
        ),
        "more.txt": "Django>=5 \\\n    --hash=sha256:0\n-e .\n",
    }
    assert set(python_facts.dependencies(folder(tmp_path, files))) == {"flask-login", "django"}


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("main.py", "from fastapi import FastAPI\napp = FastAPI()", "main:app"),
        ("main.py", "import fastapi\napi: fastapi.FastAPI = fastapi.FastAPI()", "main:api"),
        ("app/main.py", "from fastapi import FastAPI\nfrom app.db import x\napp = FastAPI()", "app.main:app"),
        ("src/server.py", "from starlette.applications import Starlette\napp = Starlette()", "server:app"),
        ("main.py", "def create_app(debug=False):\n    return FastAPI()", "main:create_app"),
        ("main.py", "try:\n    app = FastAPI()\nexcept Exception:\n    raise", "main:app"),
        ("main.py", 'if __name__ == "__main__":\n    app = FastAPI()', None),
        ("main.py", "print 'python 2'; app = FastAPI()", None),
        ("tests/test_main.py", "app = FastAPI()", None),
        ("main.py", "# app = FastAPI()", None),
    ],
)
def test_application_objects_are_found_in_the_syntax_tree(
    tmp_path: Path, path: str, source: str, found: str | None
) -> None:
    app = python_apps.find_app(folder(tmp_path, {path: source}), "fastapi", "starlette")
    assert (app.fact.value if app else None) == found


def test_a_module_that_imports_its_neighbours_is_run_from_its_folder(tmp_path: Path) -> None:
    files = {"backend/main.py": "from routers import users\napp = FastAPI()", "backend/routers/users.py": ""}
    app = python_apps.find_app(folder(tmp_path, files), "fastapi")
    assert app is not None
    assert (app.folder, app.module) == ("backend", "main")


def test_a_factory_called_in_another_file_is_followed(tmp_path: Path) -> None:
    files = {
        "wsgi.py": "from web import create_app\napp = create_app()",
        "web/__init__.py": "def create_app():\n    return Flask(__name__)",
    }
    app = python_apps.find_app(folder(tmp_path, files), "flask")
    assert app is not None
    assert (app.module, app.variable, app.is_factory) == ("wsgi", "app", False)


def test_flask_app_in_flaskenv_decides(tmp_path: Path) -> None:
    files = {
        "app.py": "app = Flask(__name__)",
        "microblog.py": "app = Flask(__name__)",
        ".flaskenv": "FLASK_APP=microblog.py",
    }
    app = python_apps.find_app(folder(tmp_path, files), "flask")
    assert app is not None
    assert app.module == "microblog"


@pytest.mark.parametrize(
    ("source", "port"),
    [
        ("uvicorn.run(app, port=9000)", "9000"),
        ("app.run(host='0.0.0.0', port=int(os.environ.get('PORT', 8080)))", "8080"),
        ("HTTPServer(('', 8123), H).serve_forever()", "8123"),
        ("PORT = 7000", "7000"),
        ("PORT = int(os.getenv('PORT') or 7001)", "7001"),
        ("print(8000)", None),
    ],
)
def test_literal_ports_are_found(tmp_path: Path, source: str, port: str | None) -> None:
    found = python_apps.literal_port(folder(tmp_path, {"main.py": source}), "main.py")
    assert (found.value if found else None) == port


def test_a_stale_pipfile_lock_still_pins_what_it_knows(tmp_path: Path) -> None:
    for name in ("Pipfile", "Pipfile.lock"):
        (tmp_path / name).write_text("{}")
    found = python_facts.installer(open_folder(tmp_path))
    assert found.install == "pipenv install --deploy"
    assert found.install_unlocked == "pipenv sync; pipenv install --skip-lock"
