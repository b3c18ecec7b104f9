"""What a Python repository says of its dependencies, their installer and the Python version that it wants."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from domain import PlanWarning
from workspace.facts import Fact, table, text_table
from workspace.tree import Workspace

SUPPORTED_VERSIONS = ("3.14", "3.13", "3.12", "3.11", "3.10", "3.9")
DEFAULT_VERSION = "3.12"

_REQUIREMENTS = (
    "requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/base.txt",
    "requirements/requirements.txt",
    "requirements-prod.txt",
)
_LOCKS = (
    ("uv", "uv.lock"),
    ("poetry", "poetry.lock"),
    ("pdm", "pdm.lock"),
    ("pipenv", "Pipfile.lock"),
    ("pipenv", "Pipfile"),
)
# Poetry asks an interface of PyPI that package mirrors lack; pip installs the same lock, hashes included, from anywhere.
_POETRY = "poetry export --only main -o /tmp/requirements.txt && pip install -r /tmp/requirements.txt"
_TOOLS = {"poetry": "poetry poetry-plugin-export"}
_MOST_LINES = 5000
_CARET = re.compile(r"^\^[ \t]*(\d+)(?:\.(\d+))?(?:\.\d+)?$")
_NAME = re.compile(r"^[ \t]*([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True)
class Installer:
    """How dependencies are installed. `package` is what pip installs to have the tool itself ("" for pip)."""

    name: str
    source: str
    package: str
    install: str
    install_unlocked: str
    needs_source: str | None = None
    warnings: tuple[PlanWarning, ...] = ()

    @property
    def fact(self) -> Fact:
        """The name and why it was chosen."""
        return Fact(self.name, self.source)


def has_manifest(workspace: Workspace) -> bool:
    """Whether the repository declares Python dependencies in any of the usual ways."""
    return requirements_file(workspace) is not None or any(
        workspace.exists(name) for name in ("pyproject.toml", "Pipfile", "setup.py", "uv.lock", "poetry.lock")
    )


def requirements_file(workspace: Workspace) -> str | None:
    """The requirements file that production should install."""
    return next((name for name in _REQUIREMENTS if workspace.exists(name)), None)


def dependencies(workspace: Workspace) -> dict[str, str]:
    """Each declared dependency by its normalised name, and the file that declares it."""
    return workspace.remembered("dependencies of Python", lambda: _dependencies(workspace))


def _dependencies(workspace: Workspace) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, source in _declared(workspace):
        match = _NAME.match(name)
        if match:
            found.setdefault(re.sub(r"[-_.]+", "-", match[1]).lower(), source)
    return found


def installer(workspace: Workspace) -> Installer:
    """The installer by rule: one lock; of several the one whose tool pyproject.toml names, else requirements.txt.

    One that was told comes first, as far as the repository has what it reads.
    """
    wanted = workspace.told.get("package_manager")
    return (_told_installer(workspace, wanted) if wanted else None) or _installer_by_rule(workspace)


def _told_installer(workspace: Workspace, wanted: Fact) -> Installer | None:
    """The installer that was told, where there is something that it can install from."""
    name = wanted.value
    found = _of_that_name(workspace, name)
    return None if found is None or found.name != name else replace(found, source=wanted.source)


def _of_that_name(workspace: Workspace, name: str) -> Installer | None:
    file = next((file for tool, file in _LOCKS if tool == name and workspace.exists(file)), None)
    if file:
        return _locked_installer(workspace, name, file, ())
    requirements = requirements_file(workspace)
    pyproject = table(workspace.toml("pyproject.toml"))
    if name == "pip" and requirements:
        return _pip(workspace, requirements, ())
    if name == "uv" and requirements:
        by_pip = _pip(workspace, requirements, ())
        return replace(by_pip, name="uv", package="uv", install=f"uv {by_pip.install}")
    if name in ("uv", "pdm") and isinstance(table(pyproject.get("project")).get("dependencies"), list):
        made = _locked_installer(workspace, name, "pyproject.toml", ())
        return replace(made, install=made.install_unlocked)
    return _project_installer(workspace, pyproject)


def _installer_by_rule(workspace: Workspace) -> Installer:
    present = [(name, file) for name, file in _LOCKS if workspace.exists(file)]
    requirements = requirements_file(workspace)
    tools = {name for name, _ in present}
    rivals = len(tools) + (requirements is not None) > 1
    pyproject = table(workspace.toml("pyproject.toml"))
    named = next(((n, f) for n, f in present if n in table(pyproject.get("tool"))), None)
    chosen = named or (present[0] if present and not (rivals and requirements) else None)
    warnings = _rival_warnings(present, requirements, chosen) if rivals else ()
    if chosen:
        return _locked_installer(workspace, chosen[0], chosen[1], warnings)
    if requirements:
        return _pip(workspace, requirements, warnings)
    return _project_installer(workspace, pyproject)


def version(workspace: Workspace) -> tuple[Fact, tuple[PlanWarning, ...]]:
    """The Python version to use (`3.12`), and what is to be said about it."""
    asked = asked_version(workspace)
    if asked is None:
        return Fact(DEFAULT_VERSION, "default: the repository names no version"), ()
    wanted = _version_for(asked.value)
    source = f"{asked.source} ({asked.value})"
    remarks = (*_conflict(workspace, asked, wanted), *_oddities(workspace, asked))
    if wanted in SUPPORTED_VERSIONS:
        if "version" in workspace.told:
            return Fact(wanted, source), remarks
        required = _required(workspace)
        if required and remarks and remarks[0].code == "version-conflict":
            allowed = _version_for(required.value)
            if allowed in SUPPORTED_VERSIONS:
                return Fact(allowed, f"{required.source} ({required.value})"), remarks
        return Fact(wanted, source), remarks
    used = _nearest(wanted)
    complaint = "cannot be understood" if wanted is None else "is not supported"
    warning = PlanWarning(
        "version-unavailable",
        f"{asked.source} asks for Python {asked.value!r}, which {complaint}; Python {used} is used instead.",
        f"Write one of {', '.join(reversed(SUPPORTED_VERSIONS))} into .python-version.",
    )
    return Fact(used, source), (warning, *remarks)


def asked_version(workspace: Workspace) -> Fact | None:
    """What the repository says of its Python version, in its own words, from the file that counts most."""
    if "version" in workspace.told:
        return workspace.told["version"]
    for name in ("runtime.txt", ".python-version"):
        lines = _lines(workspace.read_text(name) or workspace.read_text(_misspelt(workspace, name) or name) or "")
        if lines:
            return Fact(lines[0][:80], name)
    return _required(workspace) or _asked_of_tools(workspace)


def _required(workspace: Workspace) -> Fact | None:
    """What the installer's own manifest allows."""
    requires = text_table(table(workspace.toml("Pipfile")).get("requires"))
    for key in ("python_full_version", "python_version"):
        if requires.get(key):
            return Fact(requires[key][:80], f"{key} in Pipfile")
    wanted = table(table(workspace.toml("pyproject.toml")).get("project")).get("requires-python")
    if isinstance(wanted, str) and wanted.strip():
        return Fact(wanted[:80], "requires-python in pyproject.toml")
    wanted = table(_poetry(workspace).get("dependencies")).get("python")
    if isinstance(wanted, str) and wanted.strip():
        return Fact(wanted[:80], "tool.poetry.dependencies.python in pyproject.toml")
    return None


def _conflict(workspace: Workspace, asked: Fact, wanted: str | None) -> tuple[PlanWarning, ...]:
    """That a version file asks for what requires-python forbids: the installers would refuse."""
    required = _required(workspace)
    if required is None or wanted is None or required.source == asked.source:
        return ()
    text = required.value.strip()
    try:
        allowed = SpecifierSet(_as_specifiers(f"=={text}.*" if re.fullmatch(r"\d+\.\d+", text) else text))
    except InvalidSpecifier:
        return ()
    if re.fullmatch(r"\d+\.\d+\.\d+", text) or any(allowed.contains(f"{wanted}.{patch}") for patch in (0, 99)):
        return ()
    message = (
        f"{asked.source} asks for Python {asked.value!r}, but {required.source} allows only {required.value!r}; "
        "what the installer allows is used."
    )
    return (PlanWarning("version-conflict", message, f"Make {asked.source} and {required.source.split()[-1]} agree."),)


def _oddities(workspace: Workspace, asked: Fact) -> tuple[PlanWarning, ...]:
    """Version files of two minds, or whose name has a blank that nobody sees."""
    if asked.source not in ("runtime.txt", ".python-version"):
        return ()
    odd = _misspelt(workspace, asked.source)
    found = []
    lines = _lines(workspace.read_text(asked.source) or "")
    if len(lines) > 1:
        message = f"{asked.source} names several versions ({', '.join(lines[:5])}); the first one is used."
        found.append(PlanWarning("several-versions", message, f"Leave one of them in {asked.source}."))
    if odd:
        message = f"There is a file {odd!r} beside what should be called {asked.source!r}."
        found.append(PlanWarning("misspelt-file", message, f"Rename it to {asked.source} or delete it."))
    return tuple(found)


def _misspelt(workspace: Workspace, name: str) -> str | None:
    """A file at the root whose name differs from this one only by blanks or capitals."""
    return next((path for path in workspace.glob("*") if path != name and path.strip().lower() == name), None)


def _asked_of_tools(workspace: Workspace) -> Fact | None:
    for line in (workspace.read_text(".tool-versions") or "").splitlines():
        found = re.match(r"\s*python\s+(\S+)", line)
        if found:
            return Fact(found[1][:80], ".tool-versions")
    for name in ("mise.toml", ".mise.toml"):
        wanted = table(table(workspace.toml(name)).get("tools")).get("python")
        if isinstance(wanted, str | int | float) and str(wanted).strip():
            return Fact(str(wanted)[:80], f"tools.python in {name}")
    return None


def _declared(workspace: Workspace) -> list[tuple[str, str]]:
    found = [(line, file) for file, line in _requirement_lines(workspace, requirements_file(workspace), 0)]
    project = table(table(workspace.toml("pyproject.toml")).get("project"))
    entries = project.get("dependencies")
    found += (
        [(entry, "pyproject.toml") for entry in entries if isinstance(entry, str)] if isinstance(entries, list) else []
    )
    found += [(name, "pyproject.toml") for name in table(_poetry(workspace).get("dependencies"))]
    found += [(name, "Pipfile") for name in table(table(workspace.toml("Pipfile")).get("packages"))]
    for text in re.findall(r"install_requires\s*=\s*\[(.*?)\]", workspace.read_text("setup.py") or "", re.DOTALL):
        found += [(name, "setup.py") for name in re.findall(r"['\"]([^'\"]+)['\"]", text)]
    return found


def _requirement_lines(workspace: Workspace, file: str | None, depth: int) -> list[tuple[str, str]]:
    """Lines that name a package, those of `-r` files included."""
    lines: list[tuple[str, str]] = []
    for line in (workspace.read_text(file) or "").splitlines()[:_MOST_LINES] if file else ():
        if not line.strip():
            continue
        other = re.match(r"\s*(?:-r|--requirement)[ =]\s*(\S+)", line)
        if other and depth < 3:
            folder = (file or "").rpartition("/")[0]
            lines += _requirement_lines(workspace, f"{folder}/{other[1]}".lstrip("/"), depth + 1)
        elif _is_requirement(line):
            lines.append((file or "", line))
    return lines


def _is_requirement(line: str) -> bool:
    text = re.split(r"\s#|\s--hash|\s\\$", line)[0].strip().rstrip("\\").strip()
    try:
        Requirement(text)
    except InvalidRequirement:
        return bool(re.match(r"^[A-Za-z0-9][\w.-]*\s*(\[|[=<>~!@;])", text))
    return True


def _poetry(workspace: Workspace) -> dict[str, object]:
    return dict(table(table(table(workspace.toml("pyproject.toml")).get("tool")).get("poetry")))


def _locked_installer(workspace: Workspace, name: str, file: str, warnings: tuple[PlanWarning, ...]) -> Installer:
    commands = {
        "uv": ("uv sync --locked --no-dev --no-install-project", "uv sync --no-dev --no-install-project"),
        "poetry": (_POETRY, f"poetry lock --no-interaction && {_POETRY}"),
        "pdm": ("pdm sync --prod --no-self", "pdm install --prod --no-self --no-lock"),
        # What the stale lockfile pins goes on fitting together; what it does not know comes on top.
        "pipenv": ("pipenv install --deploy", "pipenv sync; pipenv install --skip-lock"),
    }
    install, unlocked = commands[name]
    if file == "Pipfile":
        install = unlocked = "pipenv install --skip-lock"
        warnings = (*warnings, _no_lockfile("Pipfile", "pipenv lock", "Pipfile.lock"))
    return Installer(name, file, _TOOLS.get(name, name), install, unlocked, _local_dependency(workspace), warnings)


def _pip(workspace: Workspace, requirements: str, warnings: tuple[PlanWarning, ...]) -> Installer:
    text = workspace.read_text(requirements) or ""
    local = re.search(r"^[ \t]*(?:-e\b|--editable\b|\.{1,2}(?:/|\s|\[|$)|file:|[\w./-]+\.whl\b)", text, re.MULTILINE)
    others = re.findall(r"^[ \t]*(?:-r|-c|--requirement|--constraint)[ =]\s*(\S+)", text, re.MULTILINE)
    far = [other for other in others if "/" in other.removeprefix("./")] if "/" not in requirements else []
    needs = f"a local package in {requirements}" if local else f"{far[0]}, which {requirements} names" if far else None
    return Installer("pip", requirements, "", f"pip install -r {requirements}", "", needs, warnings)


def _project_installer(workspace: Workspace, pyproject: object) -> Installer:
    """A project without a lock: pyproject.toml's dependencies alone where they stand there, else the whole project."""
    project = table(table(pyproject).get("project"))
    if isinstance(project.get("dependencies"), list):
        install = "uv pip install -r pyproject.toml"
        warning = _no_lockfile("pyproject.toml", "uv lock", "uv.lock")
        return Installer("pip", "dependencies in pyproject.toml", "uv", install, "", None, (warning,))
    if _poetry(workspace).get("dependencies"):
        warning = _no_lockfile("pyproject.toml", "poetry lock", "poetry.lock")
        install = f"poetry lock --no-interaction && {_POETRY}"
        return Installer("poetry", "tool.poetry in pyproject.toml", _TOOLS["poetry"], install, "", None, (warning,))
    for file in ("setup.py", "setup.cfg"):
        if workspace.exists(file):
            return Installer("pip", file, "", "pip install .", "", f"{file} describes the project itself")
    return Installer("pip", "default: nothing is declared", "", "true", "")


def _local_dependency(workspace: Workspace) -> str | None:
    text = (workspace.read_text("pyproject.toml") or "") + (workspace.read_text("Pipfile") or "")
    found = re.search(r"\b(path\s*=\s*['\"]|editable\s*=\s*true|workspace\s*=\s*true|file:/?/?\.)", text)
    return "a local package among the dependencies" if found else None


def _no_lockfile(manifest: str, command: str, lock: str) -> PlanWarning:
    return PlanWarning(
        "no-lockfile",
        f"{manifest} has no lockfile beside it, so each build may install other versions.",
        f"Run `{command}` and commit {lock}.",
    )


def _rival_warnings(
    present: list[tuple[str, str]], requirements: str | None, chosen: tuple[str, str] | None
) -> tuple[PlanWarning, ...]:
    files = [file for _, file in present if file != "Pipfile"] + ([requirements] if requirements else [])
    if len(files) < 2:
        return ()
    used = chosen[1] if chosen else requirements
    return (
        PlanWarning(
            "several-lockfiles",
            f"Dependencies are declared several times ({', '.join(files)}); {used} is used.",
            f"Keep {used} and delete the others.",
        ),
    )


def _lines(text: str) -> list[str]:
    """What a version file says, without comments and byte order marks."""
    lines = (line.split("#")[0].strip().strip("\ufeff") for line in text.splitlines())
    return [line for line in lines if line]


def _version_for(text: str) -> str | None:
    """The `major.minor` that a version or range means; None for nonsense."""
    wanted = text.strip().lower().removeprefix("python").removeprefix("-").removeprefix("=").strip()
    exact = re.match(r"^=*\s*(\d+)\.(\d+)(?:\.(?:\d+|\*|x)\w*)?$", wanted)
    if exact:
        return f"{exact[1]}.{int(exact[2][:4])}"
    if wanted in ("latest", "3", "3.x", "3.*", "*"):
        return DEFAULT_VERSION
    try:
        allowed = SpecifierSet(_as_specifiers(wanted))
    except InvalidSpecifier:
        return None
    samples = sorted(SUPPORTED_VERSIONS, key=lambda version: _distance(version, DEFAULT_VERSION))
    inside = (v for v in samples if allowed.contains(f"{v}.0") or allowed.contains(f"{v}.99"))
    lowest = re.search(r"(\d+)\.(\d+)", wanted)
    return next(inside, f"{lowest[1]}.{int(lowest[2][:4])}" if lowest else None)


def _as_specifiers(wanted: str) -> str:
    """Poetry's and npm's ways of writing a range, in the words of PEP 440."""
    parts = []
    for part in re.split(r"\s*,\s*|\s+(?=[<>=!~^])", wanted.split("||")[0].strip()):
        caret = _CARET.match(part)
        tilde = re.match(r"^~\s*(\d+\.\d+)(?:\.\d+)?$", part)
        if caret:
            parts += [f">={caret[1]}.{caret[2] or 0}", f"<{int(caret[1]) + 1}"]
        else:
            parts.append(f"=={tilde[1]}.*" if tilde else part)
    return ",".join(parts)


def _nearest(wanted: str | None) -> str:
    if wanted is None:
        return DEFAULT_VERSION
    if not wanted.startswith("3."):
        return DEFAULT_VERSION
    return min(SUPPORTED_VERSIONS, key=lambda version: _distance(version, wanted))


def _distance(one: str, other: str) -> int:
    return abs(int(one.split(".")[1]) - int(other.split(".")[1]))
