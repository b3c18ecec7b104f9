"""Flask: an application object or a factory found in the syntax tree, served by gunicorn."""

from __future__ import annotations

from dockerfile_templates.python_basis import application_plan, is_application, procfile_start
from domain import Kind, Plan
from workspace import Workspace, python_apps, python_facts
from workspace.facts import Fact
from workspace.python_apps import PythonApp

NAME = "flask"
PORT = 5000


def matches(workspace: Workspace) -> bool:
    """Whether an application object of Flask's exists."""
    return is_application(workspace) and python_apps.find_app(workspace, NAME) is not None


def plan(workspace: Workspace) -> Plan:
    """Procfile's word on the start if it has one, else gunicorn."""
    app = python_apps.find_app(workspace, NAME)
    assert app is not None, "plan() follows matches()"  # noqa: S101
    return application_plan(
        workspace,
        strategy=Fact(NAME, app.fact.source),
        kind=Kind.FLASK,
        framework=Fact(NAME, python_facts.dependencies(workspace).get(NAME, app.path)),
        start=procfile_start(workspace) or Fact(_gunicorn(app), app.fact.source),
        port=python_apps.literal_port(workspace, app.path) or Fact(str(PORT), "usual for Flask"),
        needed=("flask",),
    )


def _gunicorn(app: PythonApp) -> str:
    place = f"--chdir {app.folder} " if app.folder else ""
    target = f"'{app.module}:{app.variable}()'" if app.is_factory else f"{app.module}:{app.variable}"
    return f"gunicorn {place}{target} --bind 0.0.0.0:$PORT --threads 8 --worker-tmp-dir /dev/shm --access-logfile -"
