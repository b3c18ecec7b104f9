"""Go: one program of the module, compiled without C wherever that works."""

from __future__ import annotations

import re

from dockerfile_templates.assembly import Draft, plan_of
from dockerfile_templates.procfile_binary import program_name, told_for
from domain import Kind, Plan
from workspace import Workspace, listening, toolchains
from workspace.facts import Fact

NAME = "go"

_FRAMEWORKS = {
    "github.com/gin-gonic/gin": "gin",
    "github.com/gofiber/fiber": "fiber",
    "github.com/labstack/echo": "echo",
    "github.com/go-chi/chi": "chi",
    "github.com/gorilla/mux": "gorilla",
    "github.com/beego/beego": "beego",
    "google.golang.org/grpc": "grpc",
}
_USUAL_COMMANDS = ("server", "web", "api", "http", "app", "main", "serve")
_MAIN = re.compile(r"^package\s+main\b", re.MULTILINE)
_MAIN_FUNCTION = re.compile(r"^func\s+main\s*\(\s*\)", re.MULTILINE)
_PORTS = (
    r"[pP]ort\s*:?=\s*\"(\d{2,5})\"",
    r"PORT\"\s*,\s*\"?:?(\d{2,5})\"?",
    r"(?:SetDefault|Int|IntP|IntVar)\((?:&[\w.]+,\s*)?\"(?:[\w.-]*[._-])?port\"\s*,\s*(?:\"\w?\"\s*,\s*)?(\d{2,5})",
    r"\"(?:localhost|127\.0\.0\.1|0\.0\.0\.0)?:(?!65535)(\d{2,5})\"",
    r"[pP]ort\s*:?=\s*(\d{4,5})\b",
    r"^[ \t]*Port:[ \t]*(\d{2,5}),",
)
_LISTENS = r"ListenAndServe|\.Listen\(|\.Run\(|\.Start\(|net\.Listen\(|http\.Serve\(|http\.Server\{"


def matches(workspace: Workspace) -> bool:
    """Whether there is a package main where Go programs usually have theirs."""
    return toolchains.go(workspace) is not None and bool(_programs(workspace))


def plan(workspace: Workspace) -> Plan:
    """Build the program at the root, else the one in cmd/ that sounds like a server."""
    toolchain = toolchains.go(workspace)
    assert toolchain is not None, "plan() follows matches()"  # noqa: S101
    folder, *others = _programs(workspace)
    name = _name(workspace, folder) if others else program_name(workspace) or _name(workspace, folder)
    target = f"./{folder}" if folder else "."
    if not workspace.exists("go.mod") and not workspace.exists("go.work"):
        target = " ".join(
            path
            for path in workspace.glob(f"{folder}/*.go".lstrip("/"))
            if re.fullmatch(r"[\w./-]+(?<!_test)\.go", path)
        )
    needs_c = _needs_c(workspace)
    return plan_of(
        workspace,
        Draft(
            name=NAME,
            kind=Kind.GO,
            toolchain=toolchain,
            source=toolchain.manager.source,
            start=told_for(workspace, name) or Fact(name, f"package main in {folder or '.'}"),
            is_start_fixed=True,
            framework=_framework(workspace),
            install=_install(workspace),
            build=Fact(f"go build -o /out/{name} {target}", f"package main in {folder or '.'}"),
            port=_port(workspace, folder),
            args={
                "GO_IMAGE": f"golang:{toolchain.version.value}",
                "CGO_ENABLED": "1" if needs_c else "0",
                "INSTALL": "go mod download" if _install(workspace) else "",
                "BUILD": f"go build -o /out/{name} {target}",
            },
            candidates=tuple(others),
        ),
    )


def _programs(workspace: Workspace) -> list[str]:
    """The folders that hold a package main, the likeliest first; "" is the root."""
    found: set[str] = set()
    for path in listening.sources(workspace, ".go"):
        folder = path.rpartition("/")[0]
        if folder.count("/") > 2 or folder in found or not re.fullmatch(r"[\w./-]*", folder):
            continue
        text = workspace.read_text(path, 100_000) or ""
        if _MAIN.search(text) and _MAIN_FUNCTION.search(text):
            found.add(folder)
    return sorted(found, key=lambda folder: (folder.count("/") if folder else -1, _rank(folder), folder))


def _rank(folder: str) -> int:
    name = folder.rpartition("/")[2]
    return _USUAL_COMMANDS.index(name) if name in _USUAL_COMMANDS else len(_USUAL_COMMANDS)


def _name(workspace: Workspace, folder: str) -> str:
    """As `go install` would call the program: by its folder, at the root by the module."""
    module = re.search(r"^module\s+(\S+)", workspace.read_text("go.mod") or "", re.MULTILINE)
    parts = (folder or (module[1] if module else "")).strip('"').split("/")
    name = next((part for part in reversed(parts) if not re.fullmatch(r"v\d+", part)), "")
    return name if re.fullmatch(r"[A-Za-z0-9][\w.-]*", name) else "app"


def _install(workspace: Workspace) -> Fact | None:
    if workspace.is_dir("vendor") or not workspace.exists("go.sum"):
        return None
    return Fact("go mod download", "go.sum")


def _framework(workspace: Workspace) -> Fact | None:
    text = workspace.read_text("go.mod") or ""
    return next((Fact(name, f"{module} in go.mod") for module, name in _FRAMEWORKS.items() if module in text), None)


def _needs_c(workspace: Workspace) -> bool:
    text = workspace.read_text("go.mod") or ""
    if "mattn/go-sqlite3" in text or "confluent-kafka-go" in text:
        return True
    return listening.first_mention(workspace, listening.sources(workspace, ".go"), r"^import \"C\"") is not None


def _port(workspace: Workspace, folder: str) -> Fact | None:
    paths = listening.sources(workspace, ".go")
    paths.sort(key=lambda path: path.rpartition("/")[0] != folder)
    literal = listening.port_in(workspace, paths, *_PORTS)
    listens = listening.first_mention(workspace, paths, _LISTENS)
    if listens is None and not (literal and "grpc" in (workspace.read_text("go.mod") or "")):
        return None
    return literal or Fact("8080", "default: PORT is set to it")
