"""Django: static files collected while building, the database migrated at the start, served by gunicorn."""

from __future__ import annotations

import re
from dataclasses import replace

from dockerfile_templates.python_basis import application_plan, procfile_start
from domain import Evidence, Kind, Plan, PlanWarning
from workspace import Workspace, open_folder, python_facts
from workspace.facts import Fact

NAME = "django"
PORT = 8000

# Django's own application, for sites without a module that makes one; DJANGO_SETTINGS_MODULE must name the settings.
_BARE = "'django.core.wsgi:get_wsgi_application()'"
_SETTINGS = re.compile(r"DJANGO_SETTINGS_MODULE['\"]\s*,\s*['\"]([\w.-]+)['\"]")
_STATIC_ROOT = re.compile(r"^[ \t]*STATIC_ROOT\s*=", re.MULTILINE)
_OTHER_PROJECTS = ("package.json", "requirements.txt", "pyproject.toml", "Dockerfile", "go.mod", "*compose.y*ml")
_INTERFACE = re.compile(r"^[ \t]*(WSGI|ASGI)_APPLICATION\s*=\s*['\"]([\w.]+)\.(\w+)['\"]", re.MULTILINE)


def matches(workspace: Workspace) -> bool:
    """Whether there is a manage.py of Django's with the module that serves it, and it is what the repository is."""
    manage = _manage(workspace)
    if manage is None or _is_one_of_many(workspace, manage):
        return False
    return procfile_start(workspace) is not None or _module(workspace, manage) is not None


def plan(workspace: Workspace) -> Plan:
    """The plan of the folder that declares the dependencies, where that is not the root."""
    folder = _home(workspace)
    if not folder:
        return _plan(workspace)
    made = _plan(open_folder(workspace.checkout, f"{workspace.subdirectory}/{folder}".lstrip("/")))
    reason = Evidence("context", folder, "the folder of manage.py that declares the dependencies")
    return replace(made, context=folder, evidence=(*made.evidence, reason))


def _plan(workspace: Workspace) -> Plan:
    """Procfile's word on the start if it has one; collectstatic where STATIC_ROOT is set."""
    manage = _manage(workspace)
    assert manage is not None, "plan() follows matches()"  # noqa: S101
    made = application_plan(
        workspace,
        strategy=Fact(NAME, manage),
        kind=Kind.DJANGO,
        framework=Fact("django", python_facts.dependencies(workspace).get("django", manage)),
        start=_start(workspace, manage),
        port=Fact(str(PORT), "usual for Django"),
        needed=("django",),
    )
    static_root = _static_root(workspace, manage)
    build = f"python {manage} collectstatic --noinput" if static_root else None
    reason = (Evidence("build", build, static_root),) if build and static_root else ()
    args = {**made.build_args, "BUILD": build or ""}
    warnings = (*made.warnings, *_settings_warning(workspace, manage))
    return replace(made, build=build, build_args=args, evidence=(*made.evidence, *reason), warnings=warnings)


def _settings_warning(workspace: Workspace, manage: str) -> tuple[PlanWarning, ...]:
    named = _SETTINGS.search(workspace.read_text(manage) or "")
    if named is None or _settings(workspace, manage):
        return ()
    message = f"{manage} names the settings {named[1]}, which are not in the repository."
    return (PlanWarning("settings-missing", message, "Commit the settings, or set DJANGO_SETTINGS_MODULE to others."),)


def _manage(workspace: Workspace) -> str | None:
    """The manage.py nearest to the root, at most three folders down."""
    found = [path for path in workspace.glob("**/manage.py") if path.count("/") <= 2]
    found = [path for path in found if re.search(r"\bdjango\b", workspace.read_text(path) or "", re.IGNORECASE)]
    return min(found, key=lambda path: (path.count("/"), path), default=None)


def _declares(workspace: Workspace) -> bool:
    return python_facts.has_manifest(workspace) or procfile_start(workspace) is not None


def _home(workspace: Workspace) -> str:
    """The folder above manage.py that says what to install, the outermost one; "" for the root."""
    parts = (_manage(workspace) or "").split("/")[:-1]
    folders = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
    if _declares(workspace):
        return ""
    inner = {
        folder: open_folder(workspace.checkout, f"{workspace.subdirectory}/{folder}".lstrip("/")) for folder in folders
    }
    return next((folder for folder in folders if _declares(inner[folder])), "")


def _is_one_of_many(workspace: Workspace, manage: str) -> bool:
    """Whether a manage.py further down is only one project of a collection, which a person must choose from."""
    if "/" not in manage or _declares(workspace):
        return False
    tops = {path.split("/")[0] for name in _OTHER_PROJECTS for path in workspace.glob(f"*/{name}")}
    return len(tops - {manage.split("/")[0]}) > 1


def _start(workspace: Workspace, manage: str) -> Fact:
    written = procfile_start(workspace)
    migrate = f"python {manage} migrate --noinput"
    if written:
        migrates = "migrate" in written.value or written.source.startswith("release")
        return written if migrates else Fact(f"{migrate} && {written.value}", written.source)
    interface, module, source = _module(workspace, manage) or ("WSGI", "", manage)
    folder = manage.rpartition("/")[0]
    if interface == "ASGI":
        place = f"--app-dir {folder} " if folder else ""
        serve = f"uvicorn {place}{module} --host 0.0.0.0 --port $PORT --proxy-headers --forwarded-allow-ips='*'"
    else:
        place = f"--chdir {folder} " if folder else ""
        serve = (
            f"gunicorn {place}{module} --bind 0.0.0.0:$PORT --threads 8 --worker-tmp-dir /dev/shm --access-logfile -"
        )
    return Fact(f"{migrate} && {serve}", source)


def _settings(workspace: Workspace, manage: str) -> list[str]:
    """The settings files, the one that manage.py names first."""
    folder = f"{manage.rpartition('/')[0]}/".lstrip("/")
    named = _SETTINGS.search(workspace.read_text(manage) or "")
    base = f"{folder}{named[1].replace('.', '/')}" if named else ""
    own = [path for path in (f"{base}.py", f"{base}/__init__.py") if base and workspace.exists(path)]
    around = [path for path in workspace.glob(f"{folder}**/settings*.py") + workspace.glob(f"{folder}**/settings/*.py")]
    return list(dict.fromkeys([*own, *around]))[:12]


def _module(workspace: Workspace, manage: str) -> tuple[str, str, str] | None:
    """(`WSGI` or `ASGI`, `site.wsgi:application`, where it says so)."""
    channels = {"daphne", "channels"} & python_facts.dependencies(workspace).keys()
    wanted = ("ASGI", "WSGI") if channels else ("WSGI", "ASGI")
    named: dict[str, tuple[str, str, str]] = {}
    for path in _settings(workspace, manage):
        for interface, module, variable in _INTERFACE.findall(workspace.read_text(path) or ""):
            named.setdefault(interface, (interface, f"{module}:{variable}", f"{interface}_APPLICATION in {path}"))
    if named:
        return next(named[interface] for interface in wanted if interface in named)
    folder = f"{manage.rpartition('/')[0]}/".lstrip("/")
    for interface in wanted:
        for path in workspace.glob(f"{folder}**/{interface.lower()}.py"):
            module = path.removeprefix(folder).removesuffix(".py").replace("/", ".")
            return interface, f"{module}:application", path
    settings = _SETTINGS.search(workspace.read_text(manage) or "")
    is_django = bool(_settings(workspace, manage)) or "django" in python_facts.dependencies(workspace)
    return ("WSGI", _BARE, manage) if settings and is_django else None


def _static_root(workspace: Workspace, manage: str) -> str | None:
    for path in _settings(workspace, manage):
        found = _STATIC_ROOT.search(workspace.read_text(path) or "")
        if found:
            return f"STATIC_ROOT in {path}"
    return None
