"""FastAPI and other ASGI frameworks: an application object or a factory found in the syntax tree, behind uvicorn."""

from __future__ import annotations

from dockerfile_templates.python_basis import application_plan, is_application, procfile_start
from domain import Kind, Plan
from workspace import Workspace, commands, python_apps, python_facts
from workspace.facts import Fact
from workspace.python_apps import PythonApp

NAME = "fastapi"
PORT = 8000
FRAMEWORKS = ("fastapi", "starlette", "fasthtml", "litestar", "quart", "sanic")
_PORTS = {"fasthtml": 5001}
_PACKAGES = {"fasthtml": "python-fasthtml"}


def matches(workspace: Workspace) -> bool:
    """Whether an ASGI application object exists."""
    return is_application(workspace) and python_apps.find_app(workspace, *FRAMEWORKS) is not None


def plan(workspace: Workspace) -> Plan:
    """Procfile's word on the start if it has one, else uvicorn."""
    app = python_apps.find_app(workspace, *FRAMEWORKS)
    assert app is not None, "plan() follows matches()"  # noqa: S101
    package = _PACKAGES.get(app.framework, app.framework)
    start = procfile_start(workspace) or Fact(_uvicorn(app), app.fact.source)
    return application_plan(
        workspace,
        strategy=Fact(NAME, app.fact.source),
        kind=Kind.FASTAPI,
        framework=Fact(app.framework, python_facts.dependencies(workspace).get(package, app.path)),
        start=start,
        port=_port(workspace, app, start.value),
        needed=(package,),
    )


def _uvicorn(app: PythonApp) -> str:
    place = f"--app-dir {app.folder} " if app.folder else ""
    factory = "--factory " if app.is_factory else ""
    options = "--host 0.0.0.0 --port $PORT --proxy-headers --forwarded-allow-ips='*'"
    return f"uvicorn {place}{factory}{app.module}:{app.variable} {options}"


def _port(workspace: Workspace, app: PythonApp, start: str) -> Fact:
    written = commands.port(start)
    if written:
        return Fact(str(written), "the start command")
    return python_apps.literal_port(workspace, app.path) or Fact(
        str(_PORTS.get(app.framework, PORT)),
        f"usual for {app.framework if app.framework in _PORTS else 'ASGI servers'}",
    )
