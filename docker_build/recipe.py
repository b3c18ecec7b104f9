"""What is built and from what: the checked copy of a Dockerfile, its inputs, and the hash that names them all."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dockerfile_text
from domain import DeployRequest, Plan
from robust_error_handler import Code, DeploymentFailed
from workspace import Checkout, Workspace

GENERATOR_VERSION = 1
SECRET_ID = "frontend_env"  # noqa: S105 - the name of a build secret, not a secret

_USER_IGNORES = (".git", "**/.env.local", "**/.env.*.local")
# What would steer the docker client itself, were it in its environment.
_STEERING = re.compile(
    r"(?:DOCKER|BUILDKIT|BUILDX|COMPOSE|LD|DYLD|OTEL|GRPC|XDG|LC)_.*|.*_PROXY|SSL_CERT_(?:FILE|DIR)|PATH|HOME|LANG|"
    r"TMPDIR|GO(?:DEBUG|MAXPROCS|MEMLIMIT|GC|TRACEBACK|COVERDIR)|SOURCE_DATE_EPOCH|NO_COLOR",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Source:
    """A Dockerfile before it is copied: `own` is the repository's path of it, None for one that we wrote.

    `folder` is the context's path in the checkout.
    """

    text: str
    context: Path
    folder: str
    own: str | None
    ignores: str


@dataclass(frozen=True)
class Recipe:
    """A build that is ready to run. `private_args` are values that reach build stages without leaving a trace."""

    dockerfile: str
    source: Source
    build_args: Mapping[str, str]
    secret_alias: str
    frontend_env: Mapping[str, str] = field(default_factory=dict)
    private_args: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def hash(self, request: DeployRequest, tree: str, bases: Sequence[str]) -> str:
        """The first 16 hex digits of what determines the image: owner, app, recipe, source tree, values and bases."""
        parts = {
            "generator": GENERATOR_VERSION,
            "user": request.user_id,
            "app": request.container_name,
            "dockerfile": self.dockerfile,
            "ignores": self.source.ignores,
            "tree": tree,
            "context": self.source.folder,
            "build_args": dict(self.build_args),
            "frontend_env": dict(self.frontend_env),
            "bases": sorted(bases),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write the Dockerfile, its ignore file and the secret into a folder outside the context; returns the paths."""
        folder.mkdir(parents=True, exist_ok=True)
        dockerfile = folder / "Dockerfile"
        dockerfile.write_text(self.dockerfile, encoding="utf-8")
        (folder / "Dockerfile.dockerignore").write_text(self.source.ignores, encoding="utf-8")
        return dockerfile, _write_secret(folder / SECRET_ID, self.frontend_env)


def find_source(plan: Plan, checkout: Checkout) -> Source:
    """The Dockerfile that the plan names, and its context, both inside the checkout. Raises DeploymentFailed."""
    context = _context(checkout.workspace, plan.context)
    folder = context.relative_to(checkout.workspace.checkout.resolve()).as_posix()
    if plan.dockerfile is not None:
        return Source(plan.dockerfile, context, folder, None, _ignores(checkout.workspace, plan, own=None))
    path = plan.dockerfile_path or "Dockerfile"
    text = checkout.workspace.read_text(path)
    if text is None:
        raise DeploymentFailed(
            Code.BUILD_FAILED,
            f"The Dockerfile {path!r} is not in the repository.",
            "Check the path and its upper and lower case, commit the file and deploy again.",
        )
    return Source(text, context, folder, path, _ignores(checkout.workspace, plan, own=path))


def check(source: Source, build_args: Mapping[str, str]) -> None:
    """Refuse a Dockerfile that asks for what a shared host cannot give. Raises DeploymentFailed with each line."""
    found = dockerfile_text.refusals(source.text, build_args)
    if found:
        raise refused(source, found)


def refused(source: Source, found: Sequence[str]) -> DeploymentFailed:
    """The error for a Dockerfile that is not built."""
    name = source.own or "The generated Dockerfile"
    return DeploymentFailed(
        Code.DOCKERFILE_REFUSED,
        f"{name} is not built on this server: {found[0]}.",
        "Change the lines shown, commit and deploy again.",
        found,
    )


def prepare(source: Source, plan: Plan, request: DeployRequest, replacements: Mapping[str, str], salt: str) -> Recipe:
    """The recipe for a source that was checked and whose base images are known. Raises DeploymentFailed."""
    digest = _digest(request.frontend_env, salt)
    build_args = {name: value for name, value in plan.build_args.items() if not name.startswith("BUILDKIT_")}
    # BuildKit's cache does not look into secrets: the name changes with the content, so that the steps run again.
    alias = f"{SECRET_ID}_{digest}"
    try:
        text = dockerfile_text.rewritten(source.text, plan.build_args, replacements, {SECRET_ID: alias})
    except dockerfile_text.NotRewritable as error:
        raise refused(source, [str(error)]) from error
    private, warnings = ({}, ()) if source.own is None else _private_args(source, request.frontend_env)
    return Recipe(text, source, build_args, alias, request.frontend_env, private, warnings)


def _context(workspace: Workspace, path: str) -> Path:
    place = (workspace.root / path).resolve()
    checkout = workspace.checkout.resolve()
    if not place.is_dir() or not place.is_relative_to(checkout) or ".git" in place.relative_to(checkout).parts:
        raise DeploymentFailed(
            Code.UNSAFE_REPOSITORY,
            f"The build context {path!r} is not a folder of the repository.",
            "Choose a folder that lies in the repository and is no link out of it.",
        )
    return place


def _ignores(workspace: Workspace, plan: Plan, own: str | None) -> str:
    """The user's ignore rules (those beside the Dockerfile beat those of the context) with ours after them."""
    beside = workspace.read_text(f"{own}.dockerignore") if own else None
    users = beside if beside is not None else workspace.read_text(f"{plan.context}/.dockerignore")
    ours = "\n".join(_USER_IGNORES) if own else _template_ignores()
    return f"{users or ''}\n# from DevOps Butler\n{ours.strip()}\n"


def _template_ignores() -> str:
    import dockerfile_templates

    return str(getattr(dockerfile_templates, "DOCKERIGNORE", "\n".join(_USER_IGNORES)))


def _private_args(source: Source, frontend_env: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Which values go in as build arguments: only where the image keeps no trace of them. And what to say of others."""
    declared = dockerfile_text.arguments(source.text)
    steering = {name for name in frontend_env if _STEERING.fullmatch(name)}
    private = {name: frontend_env[name] for name in frontend_env.keys() & declared.private - steering}
    visible = sorted(frontend_env.keys() & (declared.visible | steering & declared.private))
    mount = f"`RUN --mount=type=secret,id={SECRET_ID} . /run/secrets/{SECRET_ID} && ...`"
    if visible:
        names = ", ".join(visible)
        return private, (
            f"{names} not passed to ARG: the final image would keep the value for all to see; use {mount}",
        )
    unused = frontend_env and not private and not dockerfile_text.offers_secret(source.text, SECRET_ID)
    if unused:
        return private, (f"Nothing in {source.own} uses the build variables (frontend_env); read them with {mount}",)
    return private, ()


def _digest(frontend_env: Mapping[str, str], salt: str) -> str:
    return hashlib.sha256(f"{salt}{json.dumps(dict(frontend_env), sort_keys=True)}".encode()).hexdigest()[:16]


def _write_secret(path: Path, variables: Mapping[str, str]) -> Path:
    lines = [f"export {name}='{_quoted(value)}'\n" for name, value in variables.items()]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write("".join(lines))
    return path


def _quoted(value: str) -> str:
    return value.replace("'", "'\\''")
