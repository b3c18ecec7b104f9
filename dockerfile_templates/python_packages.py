"""Python packages without a program: they are installed, so that what is wrong with them shows, and nothing starts."""

from __future__ import annotations

from dockerfile_templates import templates
from dockerfile_templates.python_basis import python_basis
from domain import Kind, Plan, PlanWarning
from workspace import Workspace, python_facts
from workspace.facts import Fact, table

_FRAMEWORKS = frozenset(
    "django flask fastapi starlette quart litestar sanic streamlit gradio python-fasthtml aiohttp bottle tornado".split()
)
_REMEDY = "Add a Procfile with `web: <command>`, a main.py or app.py, or give a start command."


def matches(workspace: Workspace) -> bool:
    """Whether one clear way of installing is declared, and no framework whose application would be missing."""
    if not _declares_something(workspace) or _FRAMEWORKS & python_facts.dependencies(workspace).keys():
        return False
    return not any(warning.code == "several-lockfiles" for warning in python_facts.installer(workspace).warnings)


def plan(workspace: Workspace) -> Plan:
    """Install, then end with a message: there is no start command, and none is made up."""
    basis = python_basis(workspace, "")
    message = "There is nothing to start: no Procfile, no program of a usual name and no application object."
    return Plan(
        strategy="python",
        kind=Kind.PYTHON,
        language="python",
        version=basis.version,
        package_manager=basis.installer,
        install=basis.install,
        expects_http=False,
        dockerfile=templates.dockerfile("python"),
        build_args={
            **basis.build_args,
            "BUILD": "",
            "BUTLER_PORT": "8000",
            "BUTLER_START": f'echo "butler: error: {message}"; echo "{_REMEDY.replace("`", "")}"; exit 1',
        },
        evidence=(Fact("python", _manifest(workspace)).evidence("strategy"), *basis.evidence),
        warnings=(PlanWarning("nothing-to-start", message, _REMEDY), *basis.warnings),
    )


def _declares_something(workspace: Workspace) -> bool:
    if python_facts.requirements_file(workspace) or any(workspace.exists(name) for name in ("Pipfile", "setup.py")):
        return True
    project = table(workspace.toml("pyproject.toml"))
    return "project" in project or "poetry" in table(project.get("tool")) or "dependency-groups" in project


def _manifest(workspace: Workspace) -> str:
    names = ("Pipfile", "pyproject.toml", "setup.py")
    return python_facts.requirements_file(workspace) or next(name for name in names if workspace.exists(name))
