""".NET: one project of the repository, published and run on the runtime that it needs."""

from __future__ import annotations

import re

from dockerfile_templates.assembly import Draft, plan_of
from domain import Kind, Plan
from workspace import Workspace, listening, toolchains
from workspace.facts import Fact

NAME = "dotnet"
PORT = 8080

_WEB = re.compile(r"Microsoft\.NET\.Sdk\.(?:Web|BlazorWebAssembly)|Microsoft\.AspNetCore\.App")
_PROGRAM = re.compile(
    r"<OutputType>\s*(?:Exe|WinExe)\s*</OutputType>|Microsoft\.NET\.Sdk\.(?:Web|Worker)", re.IGNORECASE
)
_TESTS = re.compile(r"tests?\b|Microsoft\.NET\.Test\.Sdk", re.IGNORECASE)


def matches(workspace: Workspace) -> bool:
    """Whether a project makes a program."""
    return toolchains.dotnet(workspace) is not None and bool(_projects(workspace))


def plan(workspace: Workspace) -> Plan:
    """Publish the web project, else the first that makes a program."""
    toolchain = toolchains.dotnet(workspace)
    assert toolchain is not None, "plan() follows matches()"  # noqa: S101
    project, *others = _projects(workspace)
    text = workspace.read_text(project) or ""
    is_web = _WEB.search(text) is not None
    assembly = re.search(r"<AssemblyName>\s*([\w.-]+)\s*</AssemblyName>", text)
    name = assembly[1] if assembly else project.rpartition("/")[2].rpartition(".")[0]
    flavour = "aspnet" if is_web else "runtime"
    build = Fact(f'dotnet publish "{project}" -c Release -o /out', project)
    return plan_of(
        workspace,
        Draft(
            name=NAME,
            kind=Kind.DOTNET,
            toolchain=toolchain,
            source=project,
            start=Fact(f'dotnet "{name}.dll"', project),
            framework=Fact("aspnet", f"Sdk in {project}") if is_web else None,
            build=build,
            port=_port(workspace) if is_web else _port_it_reads(workspace),
            default_port=PORT,
            args={
                "SDK_IMAGE": f"mcr.microsoft.com/dotnet/sdk:{toolchain.version.value}",
                "RUN_IMAGE": f"mcr.microsoft.com/dotnet/{flavour}:{toolchain.version.value}",
                "BUILD": build.value,
            },
            candidates=tuple(others),
        ),
    )


def _port_it_reads(workspace: Workspace) -> Fact | None:
    """PORT, where a program that is no web project asks for it."""
    sources = listening.sources(workspace, ".cs", ".fs", ".vb")
    reads = listening.first_mention(workspace, sources, r"GetEnvironmentVariable\(\s*\"PORT\"")
    return Fact(str(PORT), f"default: PORT is read in {reads.source}") if reads else None


def _projects(workspace: Workspace) -> list[str]:
    """The projects that make a program, web ones first, those near the root before others."""
    found = [path for path in workspace.glob("**/*.{csproj,fsproj,vbproj}") if path.count("/") <= 2]
    texts = {path: workspace.read_text(path) or "" for path in found[:60] if re.fullmatch(r"[\w ./+-]+", path)}
    programs = [path for path, text in texts.items() if _PROGRAM.search(text) and not _TESTS.search(f"{path} {text}")]
    return sorted(programs, key=lambda path: (_WEB.search(texts[path]) is None, path.count("/"), path))


def _port(workspace: Workspace) -> Fact:
    sources = listening.sources(workspace, ".cs", ".fs", ".vb")
    settings = [path for path in ("appsettings.json", "appsettings.Production.json") if workspace.exists(path)]
    literal = listening.port_in(workspace, settings, r"\"Url\"\s*:\s*\"https?://[^:\"]+:(\d{2,5})")
    fixed = listening.port_in(
        workspace, sources, r"UseUrls\(\s*\"http://[^:\"]+:(\d{2,5})", r"ListenAnyIP\(\s*(\d{2,5})"
    )
    return literal or fixed or Fact(str(PORT), "usual for ASP.NET in a container")
