"""Stand-ins on a real engine: ordinary Dockerfiles FROM them build, and they behave as the official images do."""

from __future__ import annotations

import asyncio
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

import base_images
from domain import Event
from settings import Settings

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

OFFLINE = Settings(_env_file=None, base_image_pull=False)


def docker(*words: str, input_text: str | None = None) -> str:
    done = subprocess.run(["docker", *words], input=input_text, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def stand_in(name: str) -> str:
    """The stand-in that is used where the image is not here (an official image that is here stays out of it)."""
    recipe = base_images.recipe_for(base_images.parse(name))
    assert recipe is not None
    return await base_images.ensure(recipe, lambda event: None, OFFLINE)


@pytest.fixture
def tag() -> Iterator[str]:
    name = f"butler-base-images-test:{uuid.uuid4().hex[:8]}"
    yield name
    subprocess.run(["docker", "image", "rm", "--force", name], capture_output=True, timeout=60)


def build(tag: str, dockerfile: str) -> str:
    return docker("build", "--progress", "plain", "--tag", tag, "-", input_text=dockerfile)


def run(tag: str, *words: str) -> str:
    return docker("run", "--rm", tag, *words).strip()


async def test_npm_yarn_and_pnpm_work_in_a_dockerfile_from_the_node_stand_in(tag: str) -> None:
    base = await stand_in("node:22-slim")
    build(
        tag,
        f"""FROM {base}
WORKDIR /app
RUN npm init -y && npm install express && npx --yes semver 1.2.3
RUN corepack enable && mkdir pnpm yarn
RUN cd pnpm && echo '{{"packageManager":"pnpm@9.12.0"}}' >package.json && pnpm add left-pad
RUN cd yarn && echo '{{"packageManager":"yarn@4.5.0"}}' >package.json && touch yarn.lock && yarn add left-pad
USER node
""",
    )
    assert run(tag, "node", "--version").startswith("v22.")
    assert run(tag, "-e", "require('express'); console.log(process.getuid())") == "1000"


async def test_what_yarn_1_installs_finds_the_headers_of_node_here() -> None:
    base = await stand_in("node:22-slim")
    manifest = '{"scripts":{"show":"echo $npm_config_nodedir"}}'
    shown = run(base, "sh", "-c", 'cd /tmp && echo "$0" >package.json && yarn --silent show', manifest)
    assert shown == "/usr/local"


async def test_the_nginx_stand_in_runs_as_the_user_nginx_once_it_owns_the_usual_folders(tag: str) -> None:
    base = await stand_in("nginx:alpine")
    build(tag, f"FROM {base}\nRUN touch /run/nginx.pid && chown nginx /run/nginx.pid /var/cache/nginx\nUSER nginx\n")
    run(tag, "nginx", "-t")


async def test_pip_works_in_a_dockerfile_from_the_python_stand_in(tag: str) -> None:
    base = await stand_in("python:3.12-slim")
    build(
        tag,
        f"""FROM {base} AS build
RUN pip install --prefix=/install flask
FROM {base}
COPY --from=build /install /usr/local
RUN python -m venv /venv && /venv/bin/pip install six && pip install --user gunicorn
""",
    )
    assert run(tag, "python", "-c", "import flask, sys; print(sys.version_info[:2])") == "(3, 11)"
    assert run(tag, "python3", "-m", "gunicorn", "--version").startswith("gunicorn")


async def test_alpines_own_commands_work_in_the_alpine_flavour(tag: str) -> None:
    base = await stand_in("node:22-alpine")
    build(
        tag,
        f"""FROM {base}
RUN apk add --no-cache libc6-compat su-exec && apk add --no-cache --virtual .build build-base && apk del .build
RUN addgroup -g 1001 -S nodejs && adduser -S nextjs -u 1001 -G nodejs
USER nextjs
""",
    )
    assert run(tag, "id") == "uid=1001(nextjs) gid=1001(nodejs) groups=1001(nodejs)"


async def test_nginx_and_redis_stand_ins_serve_other_containers() -> None:
    nginx, redis = await asyncio.gather(stand_in("nginx:1.27"), stand_in("redis:7"))
    suffix = uuid.uuid4().hex[:8]
    network, page, cache = (f"butler-base-images-test-{name}-{suffix}" for name in ("net", "nginx", "redis"))
    docker("network", "create", "--subnet", "10.202.77.0/28", network)
    try:
        docker("run", "--detach", "--name", page, "--network", network, "--network-alias", "page", nginx)
        docker("run", "--detach", "--name", cache, "--network", network, redis, "--appendonly", "yes")
        answer = docker("exec", cache, "sh", "-c", f"sleep 1; redis-cli -h {cache} set a 1")
        assert answer.strip() == "OK"
        assert "Welcome to nginx!" in docker("run", "--rm", "--network", network, nginx, "curl", "-fsS", "http://page/")
        assert '"GET / HTTP/1.1" 200' in docker("logs", page)
        assert docker("exec", cache, "stat", "-c", "%U", "/proc/1").strip() == "redis"
    finally:
        docker("rm", "--force", "--volumes", page, cache)
        docker("network", "rm", network)


async def test_a_stand_in_is_listed_rebuilt_and_removed_and_never_bears_an_official_name() -> None:
    said: list[Event] = []
    name = "local-registry/base-node:18.20.4"
    await base_images.remove_stand_ins([name])
    built = await base_images.build_stand_in("node:18.20.4-slim", said.append, OFFLINE)
    assert (built.name, built.official) == (name, "node:18.20.4")
    assert run(name, "node", "--version") == "v18.20.4"
    assert built.name in [stand_in.name for stand_in in await base_images.list_stand_ins()]
    assert docker("image", "inspect", "--format", "{{json .RepoTags}}", name).strip() == f'["{name}"]'
    assert await base_images.remove_stand_ins([name]) == [name]
    assert name not in [stand_in.name for stand_in in await base_images.list_stand_ins()]


async def test_certificates_and_mirrors_of_this_machine_are_in_the_layer() -> None:
    base = await stand_in("debian:bookworm")
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    assert docker("run", "--rm", base, "cat", str(bundle)).strip() == bundle.read_text().strip()
    assert "REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt" in docker("run", "--rm", base, "env")
    docker("run", "--rm", base, "apt-get", "update", "-qq")
