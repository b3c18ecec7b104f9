"""The shape of the code: imports point down, files and functions stay small, each power has one home."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LAYERS: list[set[str]] = [
    {"domain", "settings", "robust_error_handler", "failure_advice", "robust_logging", "env_file", "secret_box"},
    {"shell"},
    {"workspace", "dockerfile_text"},
    {"dockerfile_templates", "base_images", "compose_file", "host_tools", "two_parts", "butler_file"},
    {"docker_build", "docker_run", "docker_compose", "port_discovery"},
    {"simple_pipeline", "connection_manager", "database", "github_client"},
    {"deploy_jobs", "auth", "rate_limits"},
    {"routes", "login"},
    {"orchestrator"},
    {"butler_cli", "cli", "demo"},
]
LEVEL = {name: number for number, names in enumerate(LAYERS) for name in names}
MOST_LINES_IN_A_FILE = 400
MOST_LINES_IN_A_FUNCTION = 40
NOT_OURS_TO_MEASURE = {"tests", "benchmarks", "migrations", "examples", "frontend", "static", ".venv", "venv", "data"}


def sources() -> list[Path]:
    return [
        path
        for path in sorted(ROOT.rglob("*.py"))
        if path.relative_to(ROOT).parts[0] not in NOT_OURS_TO_MEASURE and "assets" not in path.parts
    ]


def module_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_has_a_layer_and_imports_only_from_its_own_or_lower_ones(path: Path) -> None:
    module = module_of(path)
    assert module in LEVEL, f"{module} has no layer: add it to LAYERS here and in the architecture document"
    for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
        if name in LEVEL and name != module:
            assert LEVEL[name] <= LEVEL[module], (
                f"{module} (layer {LEVEL[module]}) imports {name} (layer {LEVEL[name]})"
            )


def test_no_two_modules_import_each_other() -> None:
    edges: dict[str, set[str]] = {}
    for path in sources():
        names = {name for name in imported(ast.parse(path.read_text(encoding="utf-8"))) if name in LEVEL}
        edges.setdefault(module_of(path), set()).update(names - {module_of(path)})
    reached: dict[str, set[str]] = {}

    def reach(name: str) -> set[str]:
        if name not in reached:
            reached[name] = set()
            reached[name] = edges.get(name, set()).union(*(reach(other) for other in edges.get(name, set())))
        return reached[name]

    assert [name for name in edges if name in reach(name)] == []


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MOST_LINES_IN_A_FILE, "a file past its budget becomes a package of the same name"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = (node.end_lineno or 0) - (body[0].lineno if body else node.lineno) + 1
            assert length <= MOST_LINES_IN_A_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_owns(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


HOMES = {
    "passlib": {"auth"},
    "jose": {"auth"},
    "sqlmodel": {"database"},
    "sqlalchemy": {"database"},
    "alembic": {"database"},
    "fastapi": {"auth", "login", "routes", "orchestrator", "connection_manager", "rate_limits"},
    "prometheus_client": {"routes"},
    "typer": {"butler_cli", "cli"},
}


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_power_is_used_only_in_its_home(library: str) -> None:
    users = {
        module_of(path) for path in sources() if library in set(imported(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert users <= HOMES[library], f"{library} belongs to {HOMES[library]}"


def test_only_settings_reads_the_environment() -> None:
    readers = {
        module_of(path)
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert readers <= {"settings"}


def test_only_the_shell_starts_processes() -> None:
    callers = {
        module_of(path)
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in {"create_subprocess_exec", "create_subprocess_shell", "system", "Popen"}
    }
    assert callers <= {"shell"}
