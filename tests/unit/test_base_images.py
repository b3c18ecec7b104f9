"""Which image is chosen, which stand-in fits, and how one is built; no Docker, no network."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import base_images
from base_images import debian, npm_packages, registry, stand_ins
from base_images.machine import Machine, debian_mirrors, npm_registry, pip_options
from base_images.names import Recipe, parse, recipe_for
from base_images.registry import Pull, SilentRegistries, classify
from domain import Event, EventKind
from robust_error_handler import Code, DeploymentFailed
from settings import Settings

MACHINE = Machine("http://mirror/debian", "", (), {}, "https://npm.example", ())


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node", ("docker.io", "node", "latest", "")),
        ("node:22-slim", ("docker.io", "node", "22-slim", "")),
        ("library/node:22", ("docker.io", "node", "22", "")),
        ("docker.io/library/node:22", ("docker.io", "node", "22", "")),
        ("grafana/grafana:11", ("docker.io", "grafana/grafana", "11", "")),
        ("localhost:5000/app", ("localhost:5000", "app", "latest", "")),
        ("images.example/a/b:1@sha256:abc", ("images.example", "a/b", "1", "sha256:abc")),
    ],
)
def test_a_reference_is_taken_apart_as_docker_reads_it(text: str, expected: tuple[str, ...]) -> None:
    reference = parse(text)
    assert (reference.registry, reference.repository, reference.tag, reference.digest) == expected


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("node:22-slim", "local-registry/base-node:22"),
        ("node:22-bookworm", "local-registry/base-node:22"),
        ("node:20.11.1", "local-registry/base-node:20.11.1"),
        ("node:lts", "local-registry/base-node:24"),
        ("node:jod-slim", "local-registry/base-node:22"),
        ("node:bookworm", "local-registry/base-node:24"),
        ("node:22-alpine3.20", "local-registry/base-node:22-alpine"),
        ("node:alpine", "local-registry/base-node:24-alpine"),
        ("golang:1.22", "local-registry/base-golang:1.24"),
        ("golang:1.24-bookworm", "local-registry/base-golang:1.24"),
        ("rust:1-slim-bookworm", "local-registry/base-rust:1.85"),
        ("php:8.3-apache", "local-registry/base-php:8.4"),
        ("python:3.11-slim", "local-registry/base-python:3.11"),
        ("python:3.12-slim-bookworm", "local-registry/base-python:3.11"),
        ("python:3.8", "local-registry/base-python:3.11"),
        ("python:3.13.1", "local-registry/base-python:3.13"),
        ("python:3", "local-registry/base-python:3.13"),
        ("nginx:alpine", "local-registry/base-nginx:1.22-alpine"),
        ("nginx:1.27", "local-registry/base-nginx:1.22"),
        ("redis:7-alpine", "local-registry/base-redis:7.0-alpine"),
        ("redis", "local-registry/base-redis:7.0"),
        ("debian:bookworm-20250520-slim", "local-registry/base-debian:bookworm"),
        ("debian", "local-registry/base-debian:trixie"),
        ("alpine:3.20", "local-registry/base-debian:bookworm-alpine"),
    ],
)
def test_an_official_image_has_a_stand_in_under_our_own_name(name: str, tag: str) -> None:
    recipe = recipe_for(parse(name))
    assert recipe is not None
    assert recipe.tag == tag


@pytest.mark.parametrize(
    "name",
    [
        "ubuntu:22.04",
        "postgres:16",
        "node:22-windowsservercore",
        "node:tomorrow",
        "python:2.7",
        "debian:potato",
        "grafana/node:22",
        "images.example/library/node:22",
        "node:22@sha256:abc",
        "node:../../etc",
        "node:22-slim;rm",
    ],
)
def test_what_is_no_known_official_image_has_no_stand_in(name: str) -> None:
    assert recipe_for(parse(name)) is None


def test_a_version_that_debian_lacks_is_remarked_on() -> None:
    assert _recipe("python:3.12").remarks == ("Python 3.12 was asked for and 3.11 is used",)
    assert _recipe("python:3.11").remarks == ()
    assert _recipe("nginx:1.27").remarks == ("nginx 1.27 was asked for and 1.22 is used",)
    assert _recipe("redis:7").remarks == ()


def test_an_alpine_flavour_says_that_it_is_debian_and_is_built_on_the_plain_one() -> None:
    recipe = _recipe("node:22-alpine")
    assert "Debian, not Alpine" in recipe.remarks[0]
    assert recipe.parent == _recipe("node:22")
    assert recipe.official == "node:22-alpine"


def test_every_chain_ends_in_the_one_debian_layer() -> None:
    for name in ("node:22-alpine", "python:3.12", "nginx", "redis", "alpine"):
        step: Recipe | None = _recipe(name)
        while step is not None and step.parent is not None:
            step = step.parent
        assert step is not None
        assert step.tag == "local-registry/base-debian:bookworm"


def _recipe(name: str) -> Recipe:
    recipe = recipe_for(parse(name))
    assert recipe is not None
    return recipe


# --- the machine -----------------------------------------------------------------------------------------------------


def test_debian_mirrors_are_read_from_both_formats_of_apt() -> None:
    deb822 = "Types: deb\nURIs: http://m.example/debian/\nSuites: bookworm\n\nURIs: http://m.example/debian-security\n"
    one_line = "deb [signed-by=/k arch=amd64] https://m.example/debian bookworm main\n"
    assert debian_mirrors([deb822]) == ("http://m.example/debian", "http://m.example/debian-security")
    assert debian_mirrors([one_line]) == ("https://m.example/debian", "")


def test_a_machine_without_a_debian_mirror_uses_the_public_one() -> None:
    ubuntu = "deb http://mirror.example/ubuntu noble main\n"
    assert debian_mirrors([ubuntu]) == ("", "")


def test_only_the_part_of_pips_configuration_that_a_container_can_use_goes_in() -> None:
    text = "[global]\nindex-url = https://p.example/simple\nextra-index-url = file:///opt/x https://q.example/simple\n"
    assert pip_options([text, "not ini"]) == {
        "index-url": "https://p.example/simple",
        "extra-index-url": "https://q.example/simple",
    }


def test_an_index_with_a_password_never_gets_into_an_image() -> None:
    assert pip_options(["[global]\nindex-url = https://user:secret@p.example/simple\n"]) == {}
    assert npm_registry(["registry=https://u:p@n.example/\n"]) == ""


def test_the_last_npmrc_that_names_a_registry_wins() -> None:
    assert npm_registry(["registry=https://a.example/\n", "cafile=/x\n", "registry = https://b.example/npm/"]) == (
        "https://b.example/npm"
    )


def test_the_debian_layer_is_made_by_one_mmdebstrap_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.crt"
    bundle.write_text("x")
    monkeypatch.setattr(debian, "CA_BUNDLE", bundle)
    signed = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    argv = debian.mmdebstrap_argv("bookworm", MACHINE, overlay=Path("/o v"), archive=Path("/a.tar"))
    assert argv == [
        "mmdebstrap",
        "--quiet",
        "--variant=apt",
        "--include=ca-certificates,netbase,tzdata",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/info/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=force-unsafe-io",
        "--customize-hook=sync-in '/o v' /",
        '--customize-hook=chroot "$1" update-ca-certificates',
        '--customize-hook=rm -f "$1"/var/cache/apt/*.bin',
        f"--customize-hook=upload {bundle} /etc/ssl/certs/ca-certificates.crt",
        "bookworm",
        "/a.tar",
        f"deb {signed} http://mirror/debian bookworm main",
        f"deb {signed} http://mirror/debian bookworm-updates main",
    ]


def test_the_overlay_carries_the_mirrors_and_the_certificates(tmp_path: Path) -> None:
    certificate = tmp_path / "own.crt"
    certificate.write_text("CERTIFICATE")
    machine = Machine("m", "", (), {"index-url": "https://p.example/simple"}, "https://npm.example", (certificate,))
    debian.write_overlay(tmp_path / "overlay", machine)
    overlay = tmp_path / "overlay"
    assert "index-url = https://p.example/simple" in (overlay / "etc/pip.conf").read_text()
    assert "registry=https://npm.example/" in (overlay / "usr/local/etc/npmrc").read_text()
    assert (overlay / "usr/local/share/ca-certificates/own.crt").read_text() == "CERTIFICATE"
    assert (overlay / "usr/sbin/policy-rc.d").stat().st_mode & 0o111


# --- building --------------------------------------------------------------------------------------------------------


def test_a_stand_in_is_built_under_its_own_name_with_its_labels() -> None:
    recipe = _recipe("python:3.12-slim")
    arguments = stand_ins.build_arguments(recipe, MACHINE, base="base", version="3.11")
    argv = stand_ins.build_argv(recipe, arguments, "abc", Path("/context"))
    here = Path(base_images.__file__).parent
    assert argv == [
        "docker",
        "build",
        "--progress",
        "plain",
        "--file",
        str(here / "python.Dockerfile"),
        "--tag",
        "local-registry/base-python:3.11",
        "--build-arg",
        "BASE=base",
        "--build-arg",
        "PYTHON_VERSION=3.11",
        "--build-arg",
        "PIP_PACKAGES=pip setuptools<80 wheel",
        "--label",
        "butler=1",
        "--label",
        "butler.stand-in=python:3.11",
        "--label",
        "butler.recipe=abc",
        "/context",
    ]


def test_every_stand_in_has_a_dockerfile_whose_files_exist() -> None:
    for name in ("node", "node:22-alpine", "python", "nginx", "redis"):
        step: Recipe | None = _recipe(name)
        while step is not None and step.parent is not None:
            dockerfile = stand_ins.dockerfile_of(step)
            assert dockerfile.read_text().count("ARG BASE\nFROM ${BASE}\n") == 1
            for line in dockerfile.read_text().splitlines():
                if line.startswith("COPY"):
                    *sources, _ = [word for word in line.split()[1:] if not word.startswith("--")]
                    assert all((dockerfile.parent / "files" / source).is_file() for source in sources)
            step = step.parent


def test_another_mirror_makes_another_fingerprint_and_the_same_one_the_same() -> None:
    recipe = _recipe("node:22")
    other = Machine("http://other/debian", "", (), {}, "https://npm.example", ())
    assert stand_ins.fingerprint(recipe, MACHINE) == stand_ins.fingerprint(recipe, MACHINE)
    assert stand_ins.fingerprint(recipe, MACHINE) != stand_ins.fingerprint(recipe, other)
    assert stand_ins.fingerprint(recipe, MACHINE) != stand_ins.fingerprint(_recipe("node:20"), MACHINE)


async def test_without_root_the_message_gives_the_exact_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(DeploymentFailed) as failure:
        await stand_ins._check_tools(_recipe("debian:bookworm"), lambda event: None)
    assert failure.value.code is Code.IMAGE_NOT_FOUND
    assert "sudo ./butler base-images build debian:bookworm" in failure.value.hint


async def test_a_stand_in_that_two_deployments_need_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []

    async def inspect(name: str, template: str = "") -> str | None:
        return f"{stand_ins.fingerprint(recipe, MACHINE)} sha256:1" if name in built else None

    async def build(recipe: Recipe, *_: Any) -> None:
        await asyncio.sleep(0.01)
        built.append(recipe.tag)

    recipe = _recipe("node:22")
    monkeypatch.setattr(registry, "inspect", inspect)
    monkeypatch.setattr(stand_ins, "_build", build)
    tags = await asyncio.gather(*(stand_ins._ensure(recipe, MACHINE, lambda event: None) for _ in range(3)))
    assert tags == [recipe.tag] * 3
    assert built == [recipe.tag]


async def test_an_outdated_stand_in_is_used_where_building_anew_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async def inspect(name: str, template: str = "") -> str | None:
        return "old sha256:1"

    async def build(*_: Any) -> None:
        raise DeploymentFailed(Code.IMAGE_NOT_FOUND, "No mirror.", "")

    events: list[Event] = []
    monkeypatch.setattr(registry, "inspect", inspect)
    monkeypatch.setattr(stand_ins, "_build", build)
    recipe = _recipe("node:22")
    assert await stand_ins._ensure(recipe, MACHINE, events.append) == recipe.tag
    assert events[-1].kind is EventKind.WARNING
    with pytest.raises(DeploymentFailed):
        await stand_ins._ensure(recipe, MACHINE, events.append, rebuild=True)


# --- npm -------------------------------------------------------------------------------------------------------------


def test_the_newest_version_whose_engines_fit_is_taken() -> None:
    versions = {
        version: {"dist": {"tarball": f"https://r/{version}.tgz"}, "engines": {"node": engines}}
        for version, engines in {"0.9.0": ">=14", "0.10.0": ">=18", "0.34.0": ">=22", "1.0.0-rc.1": "*"}.items()
    }
    assert _version(npm_packages.newest("corepack", versions, "*", "20.1.0")) == "0.10.0"
    assert _version(npm_packages.newest("corepack", versions, "*", "22.1.0")) == "0.34.0"
    assert npm_packages.newest("corepack", versions, "*", "12.0.0") is None
    assert _version(npm_packages.newest("corepack", versions, "0.9")) == "0.9.0"


def _version(package: npm_packages.Package | None) -> str:
    assert package is not None
    return package.version


def test_a_mirror_that_gives_the_public_address_is_asked_itself() -> None:
    public = "https://npm.example/npm/-/npm-10.0.0.tgz"
    assert npm_packages._address(public, "https://m.example/npm") == "https://m.example/npm/npm/-/npm-10.0.0.tgz"
    assert npm_packages._address(public, "https://npm.example") == public


# --- choosing --------------------------------------------------------------------------------------------------------


class Docker:
    """What is on the machine and how pulls end; stands in for the engine and the builder of stand-ins."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.present: set[str] = set()
        self.pulls: dict[str, tuple[Pull, str]] = {}
        self.pulled: list[str] = []
        self.events: list[Event] = []
        monkeypatch.setattr(registry, "inspect", self.inspect)
        monkeypatch.setattr(registry, "pull", self.pull)
        monkeypatch.setattr(base_images, "ensure", self.ensure)
        monkeypatch.setattr(base_images, "_silent", SilentRegistries())
        monkeypatch.setattr(base_images, "_RETRY_SECONDS", (0.0,))

    async def inspect(self, name: str, template: str = "") -> str | None:
        return "sha256:1" if name in self.present else None

    async def pull(self, name: str, emit: Any) -> tuple[Pull, str]:
        self.pulled.append(name)
        return self.pulls.get(name, (Pull.SILENT, "no such host"))

    async def ensure(self, recipe: Recipe, emit: Any, settings: Settings, **_: Any) -> str:
        return recipe.tag

    async def resolve(self, *names: str, **settings: Any) -> dict[str, str]:
        return await base_images.resolve(names, self.events.append, Settings(_env_file=None, **settings))

    def said(self) -> str:
        return "\n".join(event.text for event in self.events)


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Docker:
    return Docker(monkeypatch)


async def test_a_setting_for_an_image_beats_everything(docker: Docker) -> None:
    docker.present = {"node:22-slim", "own:1"}
    chosen = await docker.resolve("node:22-slim", base_images={"node:22-slim": "own:1"}, image_registry="m.example")
    assert chosen == {"node:22-slim": "own:1"}
    assert "BUTLER_BASE_IMAGES" in docker.said()


@pytest.mark.parametrize(
    ("pulls", "lines"),
    [
        ({"own:1": (Pull.REFUSED, "manifest unknown")}, ["manifest unknown"]),
        ({}, ["no such host"]),
        ({"own:1": (Pull.DONE, "")}, None),
    ],
)
async def test_a_setting_for_an_image_that_is_not_there_is_said_to_be_wrong(
    docker: Docker, pulls: dict[str, Any], lines: list[str] | None
) -> None:
    docker.pulls = pulls
    asked = docker.resolve("node:22", base_images={"node:22": "own:1"})
    if lines is None:
        assert await asked == {"node:22": "own:1"}
        return
    with pytest.raises(DeploymentFailed) as failure:
        await asked
    assert failure.value.code is Code.IMAGE_NOT_FOUND
    assert "own:1, which the setting BUTLER_BASE_IMAGES names in place of node:22" in failure.value.message
    assert 'the entry "node:22" of BUTLER_BASE_IMAGES' in failure.value.hint
    assert list(failure.value.lines) == lines


async def test_a_stand_in_as_a_replacement_is_not_pulled(docker: Docker) -> None:
    own = "local-registry/base-node:20"
    with pytest.raises(DeploymentFailed, match="BUTLER_BASE_IMAGES"):
        await docker.resolve("node:22", base_images={"node:22": own})
    docker.present = {own}
    assert await docker.resolve("node:22", base_images={"node:22": own}) == {"node:22": own}
    assert docker.pulled == []


def test_what_a_silent_registry_said_is_told_in_plain_words() -> None:
    assert registry.in_plain_words("dial tcp 10.0.0.1:443: connect: connection refused") == "refuses connections"
    assert registry.in_plain_words("net/http: TLS handshake timeout") == "does not answer in time"
    assert registry.in_plain_words("odd") == "does not answer as a registry should"


async def test_a_registry_prefix_is_put_before_official_images_only(docker: Docker) -> None:
    docker.pulls = {"m.example/library/node:22": (Pull.DONE, ""), "a/b:1": (Pull.DONE, "")}
    chosen = await docker.resolve("node:22", "a/b:1", image_registry="m.example/library/")
    assert chosen == {"node:22": "m.example/library/node:22", "a/b:1": "a/b:1"}


async def test_an_image_on_this_machine_is_used_as_it_is(docker: Docker) -> None:
    docker.present = {"postgres:16"}
    assert await docker.resolve("postgres:16") == {"postgres:16": "postgres:16"}
    assert docker.pulled == []


async def test_an_image_is_pulled_where_a_registry_answers(docker: Docker) -> None:
    docker.pulls = {"node:22": (Pull.DONE, "")}
    assert await docker.resolve("node:22") == {"node:22": "node:22"}


async def test_where_no_registry_answers_a_stand_in_is_used_and_said(docker: Docker) -> None:
    assert await docker.resolve("python:3.12-slim") == {"python:3.12-slim": "local-registry/base-python:3.11"}
    assert "is not known to this machine's name service: the stand-in local-registry/base-python:3.11" in docker.said()
    assert [event.text for event in docker.events if event.kind is EventKind.WARNING] == [
        "The stand-in for python:3.11 differs: Python 3.12 was asked for and 3.11 is used."
    ]


async def test_a_silent_registry_is_not_asked_again_for_a_while(
    docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await docker.resolve("node:22")
    await docker.resolve("node:20")
    assert docker.pulled == ["node:22"]
    monkeypatch.setattr(registry, "SILENCE_SECONDS", 0.0)
    await docker.resolve("node:20")
    assert docker.pulled == ["node:22", "node:20"]


async def test_an_image_without_a_stand_in_is_tried_again_and_then_fails_with_the_remedy(docker: Docker) -> None:
    with pytest.raises(DeploymentFailed) as failure:
        await docker.resolve("postgres:16")
    assert docker.pulled == ["postgres:16", "postgres:16"]
    assert failure.value.code is Code.IMAGE_NOT_FOUND
    assert "is not known to this machine's name service" in failure.value.message
    assert "no such host" not in failure.value.message and any("no such host" in line for line in failure.value.lines)
    assert 'BUTLER_BASE_IMAGES=\'{"postgres:16": "..."}\'' in failure.value.hint


async def test_a_registry_that_has_no_such_image_ends_the_matter(docker: Docker) -> None:
    docker.pulls = {"node:99-slim": (Pull.REFUSED, "manifest unknown")}
    with pytest.raises(DeploymentFailed) as failure:
        await docker.resolve("node:99-slim")
    assert failure.value.code is Code.IMAGE_NOT_FOUND
    assert failure.value.lines == ("manifest unknown",)


async def test_nothing_is_pulled_where_pulling_is_switched_off(docker: Docker) -> None:
    assert await docker.resolve("node:22", base_image_pull=False) == {"node:22": "local-registry/base-node:22"}
    assert docker.pulled == []


async def test_scratch_and_stand_ins_are_left_as_they_are(docker: Docker) -> None:
    names = {"scratch": "scratch", "local-registry/base-node:22": "local-registry/base-node:22"}
    assert await docker.resolve(*names) == names


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ('Get "https://r/v2/": dial tcp: lookup r: no such host', Pull.SILENT),
        ("net/http: TLS handshake timeout", Pull.SILENT),
        ("toomanyrequests: You have reached your pull rate limit", Pull.SILENT),
        ("manifest for node:99 not found: manifest unknown", Pull.REFUSED),
        ("pull access denied for x, repository does not exist", Pull.REFUSED),
        ("something new", Pull.SILENT),
    ],
)
def test_the_last_line_of_a_pull_is_understood(message: str, outcome: Pull) -> None:
    assert classify(message) is outcome


def test_what_others_are_built_from_is_removed_last() -> None:
    present = [
        base_images.StandIn(f"local-registry/base-{name}", official, 1, "")
        for name, official in {
            "debian:bookworm": "debian:bookworm",
            "node:22": "node:22",
            "node:22-alpine": "node:22-alpine",
            "toolchain:bookworm": "buildpack-deps:bookworm",
        }.items()
    ]
    assert base_images._removable(present, []) == [
        "local-registry/base-node:22-alpine",
        "local-registry/base-node:22",
        "local-registry/base-toolchain:bookworm",
        "local-registry/base-debian:bookworm",
    ]
    assert base_images._removable(present, ["node:22-slim"]) == ["local-registry/base-node:22"]
    assert base_images._removable(present, ["node"]) == [
        "local-registry/base-node:22-alpine",
        "local-registry/base-node:22",
    ]


async def test_a_registry_that_says_nothing_in_time_counts_as_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "pull_argv", lambda name: ["sleep", "30"])
    monkeypatch.setattr(registry, "_FIRST_WORD_SECONDS", 0.1)
    assert await registry.pull("x", lambda event: None) == (Pull.SILENT, "no word from the registry in 0 s")


async def test_a_pull_that_speaks_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[Event] = []
    monkeypatch.setattr(registry, "pull_argv", lambda name: ["sh", "-c", "echo Pulling; sleep 0.4; echo Done"])
    monkeypatch.setattr(registry, "_FIRST_WORD_SECONDS", 0.2)
    assert await registry.pull("x", events.append) == (Pull.DONE, "")
    assert [event.text for event in events] == ["Pulling", "Done"]


async def test_an_engine_that_is_down_is_told_from_an_absent_image(monkeypatch: pytest.MonkeyPatch) -> None:
    script = "echo 'Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?' >&2; exit 1"
    monkeypatch.setattr(registry, "inspect_argv", lambda name, template: ["sh", "-c", script])
    with pytest.raises(DeploymentFailed) as failure:
        await registry.inspect("node:22")
    assert failure.value.code is Code.DOCKER_DOWN
    monkeypatch.setattr(
        registry, "inspect_argv", lambda name, template: ["sh", "-c", "echo 'No such image' >&2; exit 1"]
    )
    assert await registry.inspect("node:22") is None
